import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCommand, startCommand } from '../support/command.js';
import { testKey } from '../support/keys.js';
import { Guest } from './guest.js';
import { lacksGuests } from './needs.js';

/** How a directory is mounted, in the words of the kernel's 9p client. */
interface Mode {
  readonly version: '9p2000' | '9p2000.u' | '9p2000.L';
  readonly cache: 'none' | 'mmap';
  readonly msize: number;
}

const MODES: readonly Mode[] = [
  { version: '9p2000', cache: 'none', msize: 65_536 },
  { version: '9p2000.u', cache: 'none', msize: 65_536 },
  { version: '9p2000.L', cache: 'none', msize: 65_536 },
  { version: '9p2000.L', cache: 'none', msize: 8_192 },
  { version: '9p2000.L', cache: 'mmap', msize: 1_048_576 },
];
const OPERATIONS = 500;
const MEBIBYTES = 8;

describe.skipIf(lacksGuests())("what 9p serve exports, mounted by Linux's own 9p client", () => {
  let guest: Guest;
  let folder: string;
  let server: RunningCommand;
  let port: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xcpu-vm-'));
    await chmod(folder, 0o755);
    compileStatic('exerciser', folder);
    const listen = ['--listen', '127.0.0.1:0'];
    server = startCommand('9p', ['serve', ...listen, folder], { timeout: 600_000 });
    await server.printed(' listening ');
    port = / listening address=127\.0\.0\.1\D(\d+)/.exec(server.output.stderr)?.[1] ?? '';
    guest = await Guest.start({ adminKey: testKey('admin_key') });
  });

  afterAll(async () => {
    await guest?.stop();
    server?.child.kill('SIGTERM');
    await server?.result;
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(MODES)('in $version, cache=$cache, msize=$msize', (mode) => {
    const { version, cache, msize } = mode;
    const name = `${version}-${cache}-${msize}`;
    const mounted = `/mnt/${name}`;
    let served: string;

    beforeAll(async () => {
      served = join(folder, name);
      await mkdir(served);
      const options = `trans=tcp,port=${port},version=${version},cache=${cache},msize=${msize}`;
      await guest.shell(`mkdir ${mounted}; mount -t 9p -o ${options} 10.0.2.2 ${mounted}`);
    });

    afterAll(async () => {
      await guest?.shell(`umount ${mounted}`);
    });

    test('files are found, renamed and removed by their names', async () => {
      const text = await readFile(new URL('./scripts/names.sh', import.meta.url), 'utf8');
      expect(await there(text)).toBe(NAMES);
      expect(await readdir(served)).toEqual([]);
      said('100 files made, listed, read, renamed and removed; attributes, errors, programs');
    });

    test.skipIf(version === '9p2000')('so are links, and files have owners', async () => {
      const text = await readFile(new URL('./scripts/links.sh', import.meta.url), 'utf8');
      expect(await there(text)).toBe(linksOf(`${process.getuid!()}:${process.getgid!()}`));
      expect(await readdir(served)).toEqual([]);
      said('links made, followed, replaced and removed; owners; another user');
    });

    test('four programs read, write, cut and map files at random', async () => {
      // Without a cache, the kernel refuses maps that share what they write.
      const maps = cache === 'none' ? 'private' : '';
      const told = await there(`
        for seed in 1 2 3 4; do ../exerciser file$seed $seed ${OPERATIONS} ${maps} & done; wait`);
      expect(told).toBe(`${OPERATIONS} operations agree\n`.repeat(4));
      const ofMaps = maps ? 'private maps to read' : 'shared maps, written to';
      said(`4 × ${OPERATIONS} random operations, ${ofMaps}; the program itself is on the mount`);
    });

    test('what is large arrives whole', async () => {
      const content = randomBytes(MEBIBYTES * 2 ** 20);
      await writeFile(join(served, 'given'), content);
      const times = await there(`
        time -f 'read in %e s' cat given >/dev/null
        time -f 'copied in %e s' cp given taken`);
      expect((await readFile(join(served, 'taken'))).equals(content)).toBe(true);
      said(`${MEBIBYTES} MiB ${times.trim().replaceAll('\n', ', ')}`);
    });

    async function there(script: string): Promise<string> {
      const { output } = await guest.run(`cd ${mounted}/${name} || exit\n${script}`);
      return output;
    }

    function said(what: string): void {
      console.log(`${version}, cache=${cache}, msize=${msize}: ${what}`);
    }
  });

  test('the kernel has nothing to complain of', async () => {
    expect(await guest.complaints()).toBe('');
  });
});

/** A guest has no libraries of C programs but those that Node.js needs. */
function compileStatic(name: string, directory: string): void {
  const source = fileURLToPath(new URL(`../fuse/programs/${name}.c`, import.meta.url));
  execFileSync('gcc', ['-O1', '-static', '-o', join(directory, name), source]);
}

const NAMES = `listed: 100, sum 5050
renamed: 99, 8, 9
left: . ./a ./a/b ./a/b/c ./a/b/c/moved
file: 640, 8 bytes, 981173106: one two
removed, but open: one t
run with these arguments
ls: gone: No such file or directory
ls: a/gone/gone: No such file or directory
ls: script/gone: Not a directory
mkdir: can't create directory 'a': File exists
rmdir: 'a/b': Directory not empty
cat: read error: Is a directory
name of 255 bytes
no name of 256 bytes
`;

function linksOf(owner: string): string {
  return `links: d/file: content more
cat: can't open 'dangling': No such file or directory
owner: ${owner}
replaced: new content more
as another user: content more
`;
}
