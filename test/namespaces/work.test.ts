import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DAEMONS, FileSite, lacksNodeRoots, sourceOf } from './support.js';

describe.skipIf(lacksNodeRoots('gcc', 'git', 'python3', 'sqlite3')).each(DAEMONS)(
  'programs on nodes of $whose that have nothing of the user',
  ({ options }) => {
    let site: FileSite;

    beforeAll(async () => {
      site = await FileSite.start(4, options);
    });
    afterAll(() => site?.stop());

    const lines = (text: string) => text.replace(/\n$/, '').split('\n');

    test('a C program runs on four, its libraries and data come from home, its results go there', async () => {
      site.local(`gcc -shared -fPIC -o libgreet.so ${sourceOf('greet')}`);
      // Of the system's libraries one more that the nodes do not have.
      site.compile('hello', '-L. -lgreet -Wl,--no-as-needed -lresolv -Wl,-rpath,\\$ORIGIN');
      const data = randomBytes(1_000_000);
      await site.write('data/in', data);
      const script = `./hello data/in out-\${XCPUID#*/}; cat /proc/self/mountinfo`;
      const { status, stdout, stderr } = await site.xrx(['-p', 'n[1-4]', 'sh', '-ec', script]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      for (const rank of [1, 2, 3, 4]) {
        expect((await readFile(join(site.home, `out-${rank}`))).equals(data)).toBe(true);
        const prefix = `n${rank}: `;
        const told = lines(stdout).filter((line) => line.startsWith(prefix));
        expect(told).toContain(`${prefix}hello ./hello`);
        const root = told.find((line) => / \/ \/ /.test(line))!;
        expect(root).toMatch(/ rw,nosuid,nodev,\S* - fuse\.9p xcpu /);
        const mapped = told
          .filter((line) => line.includes(': mapped '))
          .map((line) => line.split(' '));
        const [major, minor] = root.split(' ')[3]!.split(':').map(Number);
        for (const [, , device] of mapped) {
          expect(device!.split(':').map((part) => parseInt(part, 16))).toEqual([major, minor]);
        }
        const files = mapped.map(([, , , path]) => path!.replace(/.*\//, '').replace(/[.-].*/, ''));
        expect(files).toEqual(
          expect.arrayContaining(['hello', 'libgreet', 'libresolv', 'libc', 'ld']),
        );
      }
      const { stderr: lacking } = await site.xrx(['-lp', 'n[1-4]', 'ls', site.home]);
      expect(lines(lacking).filter((line) => /No such file/.test(line))).toHaveLength(4);
    });

    test('all of that goes through term', async () => {
      const { stderr } = await site.xrx(['-d', 'n1', './hello', 'data/in', 'out']);
      const trace = lines(stderr);
      const walk = trace.find((line) => line.includes('"term"]'))!;
      const fid = /newfid (\d+)/.exec(walk)![1];
      const served = sumOf(trace, new RegExp(`-> Twrite tag \\d+ fid ${fid} .* data (\\d+) bytes`));
      const libraries = ['hello', 'libgreet.so', 'data/in'].map((name) => join(site.home, name));
      const sizes = await Promise.all(libraries.map(async (name) => (await stat(name)).size));
      expect(served).toBeGreaterThan(sizes.reduce((sum, size) => sum + size));
      // The daemon listens, xrx does not: there is one connection.
      expect(trace.filter((line) => line.includes('Tversion')).length).toBeGreaterThan(0);
    });

    test('python3 finds its standard library at home', async () => {
      await site.write('numbers.json', JSON.stringify({ values: [1, 2, 3.5] }));
      await site.write(
        'sum.py',
        `import decimal, email.message, json, os, pathlib, statistics, unittest
values = json.loads(pathlib.Path('numbers.json').read_text())['values']
pathlib.Path('sum').write_text(str(sum(map(decimal.Decimal, values))))
print(statistics.median(values), os.getcwd(), json.__file__.startswith('/usr/lib/'))
`,
      );
      expect(await site.shell('/usr/bin/python3 sum.py')).toBe(`2 ${site.home} True\n`);
      expect(await site.read('sum')).toBe('6.5');
    });

    test('git works in a repository of the user', async () => {
      const git = 'git -c user.name=a -c user.email=a@b -c init.defaultBranch=main';
      site.local(`${git} init -q repository; cd repository; for i in $(seq 40); do echo $i > f$i; done
      mkdir sub; echo s > sub/file; git add .; ${git} commit -qm one; echo changed > f1; rm f2; echo new > f41`);
      const told = await site.shell(`cd repository; git status --short
      git add -A; ${git} commit -qm two; git status --short; git log --format=%s`);
      expect(told).toBe(' M f1\n D f2\n?? f41\ntwo\none\n');
      expect(
        site.local('cd repository; git fsck 2>&1; git status --short; git log --format=%s'),
      ).toBe('two\none\n');
    });

    test('tar keeps what files are', async () => {
      site.local(`mkdir tree tree/sub; cd tree; echo a > file; chmod 640 file; ln file hard; ln -s sub/x soft
      head -c 3000000 /dev/urandom > sub/x; chmod 755 sub/x; find . -exec touch -h -d '2001-02-03 04:05:06.789' {} +`);
      await site.shell(`tar cf tree.tar --format=posix tree; mkdir again; tar xf tree.tar -C again
      tar cf - tree | tar df -; rm tree.tar`);
      const list = `find . -printf '%p %y %m %s %n %l %TY%Tm%Td%TH%TM%TS %u\\n' | grep -v '^\\.\\S* d' | sort; sha256sum sub/x`;
      expect(site.local(`cd again/tree; ${list}`)).toBe(site.local(`cd tree; ${list}`));
    });

    test('sqlite3 keeps a database, its journal too', async () => {
      const told = await site.shell(`sqlite3 a.db '
      create table t(a integer primary key, b text); begin;
      with recursive c(x) as (select 1 union all select x+1 from c where x<2000) insert into t(b) select x from c; commit;
      begin; delete from t; rollback; select count(*), sum(b) from t; pragma journal_mode=wal; insert into t(b) values(0)
      '; (sqlite3 -cmd '.timeout 9000' a.db 'insert into t(b) values(1)' & sqlite3 -cmd '.timeout 9000' a.db 'insert into t(b) values(2)'; wait)`);
      expect(told).toBe('2000|2001000\nwal\n');
      expect(site.local("sqlite3 a.db 'select count(*) from t; pragma integrity_check'")).toBe(
        '2003\nok\n',
      );
    });

    test('what is written through memory arrives', async () => {
      site.compile('map');
      await site.shell('./map mapped');
      const bytes = await readFile(join(site.home, 'mapped'));
      const expected = Buffer.alloc(1024 * 1024 + 100);
      expected.fill('a', 0, 4096);
      expected.write('middle', 500_000);
      expected.write('unsynced', 600_000);
      expected.write('end\n', expected.length - 4);
      expect(bytes.equals(expected)).toBe(true);
    });

    test('a sparse file of 4 GiB stays one', async () => {
      const told = await site.shell(`
      printf end | dd of=big bs=1 seek=4294967296 conv=notrunc status=none
      stat -c %s big; tail -c 3 big; dd if=big bs=1 skip=4294967290 count=6 status=none | od -An -tx1
      truncate -s 6G big; stat -c %s big`);
      expect(told).toBe('4294967299\nend 00 00 00 00 00 00\n6442450944\n');
      const { size, blocks } = await stat(join(site.home, 'big'));
      expect(size).toBe(6 * 1024 ** 3);
      expect(blocks).toBeLessThan(100);
      expect(site.local('tail -c +4294967297 big | head -c 3')).toBe('end');
    });
  },
);

/** The sum of the numbers that lines have where the pattern says. */
function sumOf(lines: readonly string[], pattern: RegExp): number {
  return lines.reduce((sum, line) => sum + Number(pattern.exec(line)?.[1] ?? 0), 0);
}
