import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { FileSite, lacksNodeRoots } from './support.js';

const FILES = 50;
/** Of output, each a line: more of them than all buffers on the way hold. */
const BLOCKS = 200;
const BLOCK = 64 * 1024;

/**
 * Prints numbered blocks in the background, `$1` of them at most, until there is a file `stop`, and keeps count in
 * `$count`. One round of work opens, reads, writes and closes every file at home.
 */
const BOTH = `
rest=$(head -c ${BLOCK - 9} /dev/zero | tr '\\0' x)
count=/dev/shm/count-$$
echo 0 >$count
{ i=0
  until [ $i = $1 ] || [ -e stop ]; do printf '%08d%s\\n' $i "$rest"; i=$((i + 1)); echo $i >$count; done
} &
counted() { until read -r now <$count && [ "$now" ]; do :; done; }
round() { for n in $(seq ${FILES}); do read -r text <in/$n; echo "$text, read" >out/$n; done; }
`;

describe.skipIf(lacksNodeRoots())('while a program pours output', () => {
  let site: FileSite;

  beforeAll(async () => {
    site = await FileSite.start(1);
    site.local(`mkdir in out; for n in $(seq ${FILES}); do echo "file $n" >in/$n; done`);
  });
  afterAll(() => site?.stop());

  const start = (script: string, blocks: number) =>
    site.start(['n1', 'sh', '-ec', `${BOTH}${script}`, 'sh', String(blocks)], { timeout: 55_000 });

  async function expectWork() {
    const names = Array.from({ length: FILES }, (_, n) => `${n + 1}`);
    const texts = await Promise.all(names.map((name) => site.read(`out/${name}`)));
    expect(texts).toEqual(names.map((name) => `file ${name}, read\n`));
    site.local('rm out/*');
  }

  /** Sees to it that output was all those blocks. */
  function blocksOf(stdout: string): number {
    const lines = stdout.split('\n');
    expect(lines.pop()).toBe('');
    const rest = 'x'.repeat(BLOCK - 9);
    const wrong = lines.findIndex((line, n) => line !== `${n}`.padStart(8, '0') + rest);
    expect(wrong).toBe(-1);
    return lines.length;
  }

  test('it uses files all the same', async () => {
    const script = `
      until counted; [ $now -gt 8 ]; do :; done
      round; echo >stop; wait; cat $count >printed; rm $count`;
    const { status, stdout, stderr } = await start(script, 0x7fffffff).result;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await expectWork();
    expect(blocksOf(stdout)).toBe(Number(await site.read('printed')));
    site.local('rm stop');
  });

  test('that nobody reads, it uses files all the same, and none of it is lost', async () => {
    // Work is done when output stood still for as long as all of it took.
    const script = `
      until counted; before=$now; round; counted; [ $now -gt 0 ] && [ $now = $before ]; do rm out/*; done
      echo $now >stood; wait; rm $count`;
    const command = start(script, BLOCKS);
    const { stdout } = command.child;
    stdout.pause();
    const stood = () => readFile(join(site.home, 'stood'), 'utf8').catch(() => '');
    await eventually('its work is done', async () => (await stood()).endsWith('\n'), 40_000);
    expect(Number(await stood())).toBeLessThan(BLOCKS);
    await expectWork();
    expect(command.output.stdout.length).toBeLessThan(BLOCK);
    stdout.resume();
    const { status, stderr } = await command.result;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(blocksOf(command.output.stdout)).toBe(BLOCKS);
  });
});
