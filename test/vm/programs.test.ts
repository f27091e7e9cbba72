import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { lacksGuests } from './needs.js';
import { GuestSite } from './site.js';

describe.skipIf(lacksGuests())('a node without a disk', () => {
  let site: GuestSite;

  beforeAll(async () => {
    site = await GuestSite.start();
  });
  afterAll(() => site?.stop());

  test('runs programs on its own kernel', async () => {
    const { stdout, status } = await site.xrx(['-l', 'guest', 'uname', '-r']);
    expect(stdout).toBe(`${site.guest.release}\n`);
    expect(stdout).toMatch(/^6\.1\./);
    expect(status).toBe(0);
  });

  test('runs them as the user it was told of', async () => {
    const { stdout } = await site.xrx(['-l', 'guest', 'id']);
    expect(stdout).toContain(`uid=${ALICE.uid}`);
    expect(stdout).toContain(`gid=${ALICE.gid}`);
  });

  test('passes input, output and the exit status on', async () => {
    const script = 'cat; echo oops >&2; exit 3';
    const { stdout, stderr, status } = await site.xrx(['-l', 'guest', 'sh', '-c', script], 'in\n');
    expect({ stdout, stderr, status }).toMatchObject({ stdout: 'in\n', status: 3 });
    expect(stderr).toContain('oops\n');
  });

  test('leaves its kernel content', async () => {
    expect(await site.guest.complaints()).toBe('');
  });
});
