import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { footprintOf, idleFootprint, nothingLeft } from './footprint.js';
import { DAEMONS, FileSite, lacksNodeRoots } from './support.js';

/** Files that are there already, and files that are made on the node, where one takes four round trips. */
const COUNTS = {
  root: { there: 50_000, made: 2_000 },
  'an ordinary user': { there: 5_000, made: 500 },
};
const SESSIONS = 200;
/** For machines that have other things to do. */
const LONG = { timeout: 250_000 };

describe.skipIf(lacksNodeRoots('gcc', 'make', 'python3')).each(DAEMONS)(
  'much of it, on a daemon of $whose',
  ({ whose, options }) => {
    let site: FileSite;

    beforeAll(async () => {
      site = await FileSite.start(1, options);
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
    }, 300_000);

    const { there, made } = COUNTS[whose];
    test(`finds and reads ${there} small files, and makes and removes ${made}`, async () => {
      const make = (count: number, directory: string) => `import os
for n in range(${count}):
    if n % 500 == 0: os.makedirs('${directory}/%d' % (n // 500))
    with open('${directory}/%d/file-%d' % (n // 500, n), 'w') as f: f.write(str(n))
`;
      await site.write('there.py', make(there, 'there'));
      await site.write('made.py', make(made, 'made'));
      site.local('/usr/bin/python3 there.py');
      const find = (directory: string) => `find ${directory} -type f | wc -l`;
      const found = await timed(`${there} files found`, () => site.shell(find('there')));
      expect(found).toBe(`${there}\n`);
      // Four at a time, as most of it is waiting.
      const read = `find there -type f -print0 | LC_ALL=C sort -z |
        xargs -0 -n 1000 -P 4 sh -c 'cat "$@" | sha256sum' sh | sort`;
      const digest = await timed(`${there} files read`, () => site.shell(read, LONG));
      expect(digest).toBe(site.local(read));
      await timed(`${made} files made`, () => site.shell('/usr/bin/python3 made.py', LONG));
      expect(await site.shell(find('made'))).toBe(`${made}\n`);
      expect(site.local(`${find('made')}; cat made/*/file-${made - 1}`)).toBe(
        `${made}\n${made - 1}`,
      );
      await timed(`${made} files removed`, () => site.shell('rm -r made', LONG));
      expect(await readdir(site.home)).not.toContain('made');
    }, 300_000);

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
      await timed(`${SESSIONS} sessions there`, () => eventually('all are there', ready, 200_000));
      expect(footprintOf(node).mounts).toBe(SESSIONS);
      command.child.stdin.end('go\n');
      const { status, stdout, stderr } = await command.result;
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.split(`${site.home}\n`)).toHaveLength(SESSIONS + 1);
      expect(await site.read('out-200')).toMatch(/^\S*\/200 go\n$/);
      await nothingLeft(node, before);
    }, 300_000);
  },
);

/** Does it, and says how long it took. */
async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const done = await act();
  console.log(`${what} in ${Math.round(performance.now() - start)} ms`);
  return done;
}
