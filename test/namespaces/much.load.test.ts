import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { footprintOf, idleFootprint, nothingLeft } from './footprint.js';
import { FileSite, lacksNodeRoots } from './support.js';

/** Those that are there already, and those that are made on the node: one takes four round trips. */
const FILES = 50_000;
const MADE = 2_000;
const SESSIONS = 200;
/** For machines that have other things to do. */
const LONG = { timeout: 100_000 };

describe.skipIf(lacksNodeRoots('gcc', 'make', 'python3'))('much of it', () => {
  let site: FileSite;

  beforeAll(async () => {
    site = await FileSite.start(1);
  });
  afterAll(() => site?.stop());

  test('make -j4 builds a project of 200 files and writes the objects home', async () => {
    site.local(`mkdir project; cd project
      for i in $(seq 200); do echo "#include <stdio.h>
        int f$i(void) { return $i; }" > f$i.c; done
      { for i in $(seq 200); do echo "int f$i(void);"; done; echo 'int printf(const char *, ...); int main(void) { int s = 0;'
        for i in $(seq 200); do echo "s += f$i();"; done; echo 'printf("%d", s); return 0; }'; } > main.c
      printf 'OBJECTS=$(patsubst %%.c,%%.o,$(wildcard *.c))\\nprogram: $(OBJECTS)\\n\\tgcc -o $@ $^\\n' > Makefile`);
    const build = 'cd project; make -s -j4; ./program; make -q && echo " made"';
    const told = await timed('200 files compiled', () => site.shell(build, LONG));
    expect(told).toBe('20100 made\n');
    expect(site.local('cd project; make -q; ls *.o | wc -l; ./program')).toBe('201\n20100');
  }, 120_000);

  test('finds 50,000 small files, and makes and removes some thousand', async () => {
    const make = (count: number, directory: string) => `import os
for n in range(${count}):
    if n % 500 == 0: os.makedirs('${directory}/%d' % (n // 500))
    with open('${directory}/%d/file-%d' % (n // 500, n), 'w') as f: f.write(str(n))
`;
    await site.write('there.py', make(FILES, 'there'));
    await site.write('made.py', make(MADE, 'made'));
    site.local('/usr/bin/python3 there.py');
    const find = (directory: string) => `find ${directory} -type f | wc -l`;
    const found = await timed(`${FILES} files found`, () => site.shell(find('there')));
    expect(found).toBe(`${FILES}\n`);
    await timed(`${MADE} files made`, () => site.shell('/usr/bin/python3 made.py', LONG));
    expect(await site.shell(find('made'))).toBe(`${MADE}\n`);
    expect(site.local(`${find('made')}; cat made/3/file-1777`)).toBe(`${MADE}\n1777`);
    await timed(`${MADE} files removed`, () => site.shell('rm -r made', LONG));
    expect(await readdir(site.home)).not.toContain('made');
  }, 120_000);

  test('200 sessions mount at once, and nothing is left of them', async () => {
    const { node } = site.cluster;
    await site.shell('true');
    const before = await idleFootprint(node);
    const nodeMap = join(site.cluster.directory, 'many');
    const names = Array.from({ length: SESSIONS }, (_, n) => `s${n + 1}=${node.name}\n`);
    await writeFile(nodeMap, names.join(''));
    const script = `echo ready; read line; echo $XCPUID $line > out-\${XCPUID#*/}; pwd`;
    const command = site.start([`s[1-${SESSIONS}]`, 'sh', '-ec', script], {
      nodeMap,
      ...LONG,
    });
    const ready = () => command.output.stdout.split('ready\n').length - 1 === SESSIONS;
    await timed(`${SESSIONS} sessions there`, () => eventually('all are there', ready, 90_000));
    expect(footprintOf(node).mounts).toBe(SESSIONS);
    command.child.stdin.end('go\n');
    const { status, stdout, stderr } = await command.result;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split(`${site.home}\n`)).toHaveLength(SESSIONS + 1);
    expect(await site.read('out-200')).toMatch(/^\S*\/200 go\n$/);
    await nothingLeft(node, before);
  }, 120_000);
});

/** Does it, and says how long it took. */
async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const done = await act();
  console.log(`${what} in ${Math.round(performance.now() - start)} ms`);
  return done;
}
