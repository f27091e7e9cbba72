import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SESSION_NAMESPACE } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { isRoot } from '../support/needs.js';
import { lacksGuests } from './needs.js';
import { GuestSite } from './site.js';

/** How files are mounted: what xcpufs is told, and the type of the mounts. */
const WAYS = [
  { way: 'kernel', type: '9p', sessions: 20 },
  { way: 'fuse', type: 'fuse.9p', sessions: 5 },
] as const;
const OPERATIONS = 200;

describe.skipIf(lacksGuests()).each(WAYS)(
  "the user's own files, by $way",
  ({ way, type, sessions }) => {
    let site: GuestSite;

    beforeAll(async () => {
      site = await GuestSite.start({ xcpufsOptions: `--mount ${way}`, memory: 768 });
    });
    afterAll(() => site?.stop());

    test('are the root of his programs', async () => {
      const script = 'id -un; pwd; awk \'$2 == "/" { print $3, $4 }\' /proc/mounts';
      const [user, directory, mount] = lines(await shell(script));
      expect({ user, directory }).toEqual({ user: ALICE.name, directory: site.home });
      expect(mount).toMatch(new RegExp(`^${type} rw,(dirsync,)?nosuid,nodev,`));
    });

    test('a C program, its libraries too, comes from there, reads, writes and maps files', async () => {
      const source = new URL('../fuse/programs/exerciser.c', import.meta.url);
      const program = join(site.home, 'exerciser');
      execFileSync('gcc', ['-O1', '-o', program, fileURLToPath(source)]);
      expect((await site.guest.run(`ls ${program}`)).status).not.toBe(0);
      const args = ['file', '1', String(OPERATIONS)];
      expect(await site.xrx(['guest', './exerciser', ...args])).toMatchObject({
        stdout: `${OPERATIONS} operations agree\n`,
        stderr: '',
        status: 0,
      });
      expect((await stat(join(site.home, 'file'))).size).toBeGreaterThan(0);
    });

    test('what programs write is there, and is theirs', async () => {
      await writeFile(join(site.home, 'in'), 'from home\n');
      const owner = `${ALICE.uid}:${ALICE.gid}`;
      const said = await shell(`
      printf '#!/bin/sh\\necho "run with $*"; cat in\\n' >script; chmod 750 script; ./script these
      mkdir made; mv script made/moved; ln -s moved made/link; echo more >>made/link
      stat -c '%u:%g %A' made/moved; stat -c %u:%g /etc`);
      expect(lines(said)).toEqual(['run with these', 'from home', `${owner} -rwxr-x---`, '0:0']);
      const moved = join(site.home, 'made/moved');
      expect(await readFile(moved, 'utf8')).toBe('#!/bin/sh\necho "run with $*"; cat in\nmore\n');
      const { uid, mode } = await stat(moved);
      expect({ uid, mode }).toEqual({
        uid: isRoot ? ALICE.uid : process.getuid!(),
        mode: 0o100750,
      });
    });

    test('python3 finds its library there', async () => {
      const text = 'import json; print(json.loads(open("numbers").read())["sum"])';
      await writeFile(join(site.home, 'numbers'), '{"sum": 6.5}');
      await writeFile(join(site.home, 'sum.py'), text);
      const { stdout, status } = await site.xrx(['guest', 'python3', 'sum.py']);
      expect({ stdout, status }).toEqual({ stdout: '6.5\n', status: 0 });
    });

    test('with cache they are believed, by the kernel if nothing is written', async () => {
      await writeFile(join(site.home, 'in'), 'from home\n');
      const script = `cat in; awk '$2 == "/" { print $3, $4 }' /proc/mounts`;
      for (const options of ['-o ro', '']) {
        const program = SESSION_NAMESPACE.replace('import', `cache ${options}`);
        await writeFile(join(site.home, 'ns'), `${program}cd ${site.home}\n`);
        const { stdout, stderr } = await site.xrx(['--ns', 'ns', 'guest', 'sh', '-ec', script]);
        expect({ options, stderr }).toEqual({ options, stderr: '' });
        const [data, mount = ''] = lines(stdout);
        expect(data).toBe('from home');
        expect(mount).toMatch(new RegExp(`^${type} ${options === '' ? 'rw' : 'ro'},`));
        const mode = options === '' ? 'mmap' : 'loose';
        if (way === 'kernel') expect(mount).toMatch(new RegExp(`[,=]${mode},`));
      }
    });

    test('the node’s own programs have them, too: its cat, which moves files by sendfile(2)', async () => {
      await writeFile(join(site.home, 'in'), 'from home\n');
      const program = `unshare\nimport $XCPUTSADDR /mnt/term\ncd /mnt/term${site.home}\n`;
      await writeFile(join(site.home, 'ns'), program);
      expect(await site.xrx(['--ns', 'ns', 'guest', 'sh', '-ec', 'cat in; pwd'])).toMatchObject({
        stdout: `from home\n/mnt/term${site.home}\n`,
        stderr: '',
        status: 0,
      });
    });

    test('the exit status is that of the program', async () => {
      expect(await site.xrx(['guest', 'sh', '-c', 'exit 7'])).toMatchObject({ status: 7 });
    });

    test('with --read-only nothing of his can be changed', async () => {
      const script = 'cat in; echo lost >in';
      const { stdout, stderr, status } = await site.xrx([
        '--read-only',
        'guest',
        'sh',
        '-c',
        script,
      ]);
      expect({ stdout, status }).toEqual({ stdout: 'from home\n', status: 2 });
      expect(stderr).toContain('Read-only file system');
    });

    test('what fails to be mounted is said', async () => {
      await writeFile(join(site.home, 'ns'), 'import 10.0.2.2!1 /mnt/term\n');
      const { stderr, status } = await site.xrx(['--ns', 'ns', 'guest', 'true']);
      expect({ stderr, status }).toMatchObject({ status: 125 });
      expect(stderr).toContain('namespace line 1: import /mnt/term: ');
    });

    test('nothing hangs when xrx is stopped, and killed', async () => {
      // It ends by an error of its files alone, and tells so in the node's memory. The way there begins in the user's
      // files, and the shell is the node's: of the user's own, parts would be missing by then.
      const script = `trap '' HUP TERM; exec 4>/dev/shm/reason; echo begun
        while reason=$( { : <in; } 2>&1 ); do :; done; echo "$reason" >&4`;
      const shell = ['--bind', '/usr/bin:/node', 'guest', '/node/busybox', 'sh', '-c', script];
      const running = site.startXrx(shell);
      await running.printed('begun');
      running.child.kill('SIGSTOP');
      await sleep(500);
      running.child.kill('SIGKILL');
      await running.result;
      const reason = 'until [ -s /dev/shm/reason ]; do sleep 0.2; done; cat /dev/shm/reason';
      expect(await site.guest.shell(reason)).toMatch(
        /Input\/output error|Connection reset|not connected/,
      );
      expect(await remains()).toBe('');
    });

    test(`${sessions} sessions at once have them`, async () => {
      const numbers = Array.from({ length: sessions }, (_, index) => String(index));
      const options = ['--connect-timeout', '60'];
      const all = numbers.map((number) =>
        site.xrx([...options, 'guest', 'sh', '-c', `read -r line <in; echo "$line ${number}"`]),
      );
      const told = (await Promise.all(all)).map(({ stdout, stderr }) => stdout + stderr);
      expect(told).toEqual(numbers.map((number) => `from home ${number}\n`));
    });

    test('nothing is left of them', async () => {
      expect(await remains()).toBe('');
      expect(await site.guest.complaints()).toBe('');
    });

    /** Runs a shell script with the user's files; it must succeed without a complaint. */
    async function shell(script: string): Promise<string> {
      const { stdout, stderr, status } = await site.xrx(['guest', 'sh', '-ec', script]);
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      return stdout;
    }

    /** Mounts of users' files, processes of the user, files of sessions: nothing, after a while. */
    function remains(): Promise<string> {
      return site.guest.shell(`
      remains() {
        cat /proc/[0-9]*/mountinfo 2>/dev/null | grep ' - ${type} ' || :
        ps -o user,pid,args | grep '^${ALICE.uid} ' || :
        ls -d /tmp/xcpufs-*/sessions/* /tmp/xcpufs-*/namespaces/* 2>/dev/null || :
      }
      for second in 1 2 3 4 5 6 7 8 9 10; do [ -n "$(remains)" ] || break; sleep 1; done
      remains`);
    }
  },
);

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}
