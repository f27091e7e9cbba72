import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FuseSite, lacksFuse } from './support.js';

describe.skipIf(lacksFuse())('many files in a mounted directory', () => {
  let site: FuseSite;

  beforeAll(async () => {
    site = await FuseSite.start();
  });

  afterAll(async () => {
    await site?.stop();
  });

  test('ten thousand are made, listed and removed', async () => {
    const told = await site.shell(
      `mkdir many; cd many; seq -f 'file-%g' 10000 | xargs touch; ls | wc -l; ls -l | wc -l
       find . -type f | wc -l; cd ..; rm -r many; ls -d many 2>&1 | wc -l`,
      { timeout: 100_000 },
    );
    expect(told).toBe('10000\n10001\n10000\n1\n');
  });
});
