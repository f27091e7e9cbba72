import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { elfFile } from '../../packages/libxcpu/test/ship/elf-builder.js';
import { lacksProgram } from '../fuse/support.js';
import { BARE_ROOT, BareRoots, lacksBareRoots } from '../support/bare-root.js';
import { ALICE, Cluster, type Daemon, type TestUser } from '../support/cluster.js';
import {
  bundle,
  type CommandOptions,
  cleanEnvironment,
  endWithTests,
  runCommand,
  startCommand,
} from '../support/command.js';
import { lacks } from '../support/needs.js';
import { eventually } from '../support/wait.js';

/** Whoever has more groups than one needs a setpriv that can set them, which busybox has not. */
const CAROL: TestUser = { ...ALICE, name: 'carol', uid: 41003, groups: {}, key: ALICE.key };

describe.skipIf(lacksBareRoots() || lacksProgram('gcc'))(
  'xrx --ship, to nodes that have nothing',
  () => {
    let roots: BareRoots;
    let cluster: Cluster;
    let home: string;
    let env: Record<string, string>;

    beforeAll(async () => {
      roots = await BareRoots.make();
      home = await mkdtemp(join(tmpdir(), 'xcpu-home-'));
      await chmod(home, 0o755);
      cluster = await Cluster.start(8, { users: [CAROL], wrap: roots.wrap() });
      const map = await cluster.writeNodeMap();
      env = { XCPU_NODES_FILE: map, HOME: home, PATH: '/usr/bin:/bin' };
      compile();
    });
    afterEach(async () => {
      // Whatever became of a test: sessions end with their clients.
      for (const node of cluster.nodes) if (node.running) await nothingLeft(node);
    });
    afterAll(async () => {
      await cluster?.stop();
      await roots?.remove();
      await rm(home, { recursive: true, force: true });
    });

    /** bin/my prog with lib/libgreeting.so, which it finds from where it is. */
    function compile(words = 'hello', directory = home): void {
      const source = (name: string) =>
        fileURLToPath(new URL(`programs/${name}.c`, import.meta.url));
      const build = (...args: string[]) => execFileSync('gcc', args, { cwd: directory });
      execFileSync('mkdir', ['-p', 'bin', 'lib'], { cwd: directory });
      const library = ['-shared', '-fPIC', `-DWORDS="${words}"`, '-o', 'lib/libgreeting.so'];
      build(...library, source('greeting'));
      const link = ['-L', 'lib', '-lgreeting', '-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib'];
      build('-o', 'bin/my prog', source('shipped'), ...link);
    }

    function xrx(args: readonly string[], options: CommandOptions = {}) {
      return runCommand('xrx', login(args), {
        cwd: home,
        ...options,
        env: { ...env, ...options.env },
      });
    }

    function login(args: readonly string[]): string[] {
      const key = join(cluster.directory, 'keys', CAROL.key.name);
      return ['--user', CAROL.name, '-k', key, ...args];
    }

    async function nothingLeft(node: Daemon): Promise<void> {
      await eventually(`${node.name} has removed what was shipped`, async () => {
        const names = await filesBelow(node.temporary);
        return names && !names.some((name) => /\b(fs|tree|lib)\b/.test(name));
      });
    }

    beforeAll(async () => {
      await cluster.writeUserKey(CAROL);
    });

    test('there is nothing on the nodes that it could run with', async () => {
      const { stdout } = await xrx(['-l', 'n1', 'ls', '/']);
      expect(stdout.split('\n').filter(Boolean)).toEqual(BARE_ROOT);
      expect(await xrx(['-l', 'n1', '/usr/bin/env'])).toMatchObject({ status: 127 });
    });

    test('a program runs there with its libraries, on all of them at once', async () => {
      const args = ['-p', '-s', 'n[1-8]', './bin/my prog', 'a  b', '$HOME'];
      const { stdout, stderr, status } = await xrx(args, { input: 'in\n' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      const lines = ['hello from ./bin/my prog', 'argument a  b', 'argument $HOME', 'input in'];
      const wanted = Array.from({ length: 8 }, (_, index) =>
        lines.map((line) => `n${index + 1}: ${line}`),
      );
      expect(stdout.split('\n').filter(Boolean).sort()).toEqual(wanted.flat().sort());
    });

    test('its status is told', async () => {
      expect(await xrx(['--ship', 'n1', 'bin/my prog', 'fail'])).toMatchObject({ status: 3 });
    });

    test('a program of the system is found on the PATH', async () => {
      const { stdout, status } = await xrx([
        '-s',
        'n1',
        'env',
        '-i',
        'NAME=value',
        '/bin/busybox',
        'env',
      ]);
      expect({ stdout, status }).toEqual({ stdout: 'NAME=value\n', status: 0 });
    });

    test('a static one is run as it is, under the name that it is called by', async () => {
      await symlink('/bin/busybox', join(home, '-applet'));
      await symlink('/bin/busybox', join(home, 'echo'));
      expect(await xrx(['-s', 'n1', './echo', 'shipped'])).toMatchObject({
        stdout: 'shipped\n',
        status: 0,
      });
      const { stderr, status } = await xrx(['-s', 'n1', './-applet']);
      expect(stderr).toContain('-applet: applet not found');
      expect(status).toBe(127);
    });

    test('a script runs with its interpreter', async () => {
      const script =
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's variables
        '#!/usr/bin/env -S bash -e\nprintf "%s|" "${BASH_VERSION%%.*}" "${0##*/}" "$@"\n';
      await writeFile(join(home, 'a script'), script, { mode: 0o755 });
      const { stdout, stderr, status } = await xrx(['-s', 'n1', './a script', '-x', 'y z']);
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      expect(stdout).toMatch(/^\d+\|a script\|-x\|y z\|$/);
    });

    test('a directory goes whole, and its program finds what is beside it', async () => {
      await writeFile(join(home, 'bin/data'), 'some data\n');
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's variables
      await writeFile(join(home, 'bin/show'), '#!/bin/sh\ncat "${0%/*}/data"\n', { mode: 0o755 });
      expect(await xrx(['-e', 'bin/show', 'n1', '.'])).toMatchObject({
        stdout: 'some data\n',
        status: 0,
      });
      const { stdout, stderr } = await xrx(['-s', '-e', 'bin/my prog', 'n[1-2]', '.']);
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^(hello from \/.*\/fs\/tree\/bin\/my prog\n){2}$/);
    });

    const python = '/usr/bin/python3';
    test.skipIf(lacks(python, existsSync(python)))(
      'an interpreter goes with its modules as a directory',
      async () => {
        const tree = join(home, 'python');
        await mkdir(join(tree, 'bin'), { recursive: true });
        await mkdir(join(tree, 'lib'));
        const program = realpathSync(python);
        const modules = join('/usr/lib', basename(program));
        await symlink(program, join(tree, 'bin/python3'));
        await symlink(modules, join(tree, 'lib', basename(program)));
        const script = 'import json, sys; print(json.dumps([sys.prefix[-5:], sys.argv[1]]))';
        const args = ['-e', 'bin/python3', 'n[1-2]', 'python', '-I', '-S', '-c', script, 'x'];
        const { stdout, stderr, status } = await xrx(args);
        expect({ stdout, stderr, status }).toEqual({
          stdout: '["/tree", "x"]\n'.repeat(2),
          stderr: '',
          status: 0,
        });
      },
    );

    test('what is for nodes of a kind comes from $XCPU_SYSROOT', async () => {
      const top = await mkdtemp(join(home, 'sysroots-'));
      const sysroot = join(top, 'Linux/x86_64');
      const copied = ['/lib64/ld-linux-x86-64.so.2', '/lib/x86_64-linux-gnu/libc.so.6'];
      for (const path of copied) {
        await mkdir(join(sysroot, path, '..'), { recursive: true });
        await copyFile(path, join(sysroot, path));
      }
      compile('hello of the sysroot', sysroot);
      const { stdout, stderr } = await xrx(['-s', 'n1', '/bin/my prog'], {
        env: { XCPU_SYSROOT: top },
      });
      expect({ stdout, stderr }).toEqual({
        stdout: 'hello of the sysroot from /bin/my prog\n',
        stderr: '',
      });
      const own = await xrx(['-s', '--root', sysroot, 'n1', '/bin/my prog']);
      expect(own.stdout).toBe('hello of the sysroot from /bin/my prog\n');
      await rm(join(sysroot, 'lib/libgreeting.so'));
      const lost = await xrx(['-s', 'n1', '/bin/my prog'], { env: { XCPU_SYSROOT: top } });
      expect(lost.status).toBe(125);
      expect(lost.stderr).toMatch(
        /^xrx: n1: libgreeting\.so: no such library in .*Linux\/x86_64; .*my prog needs it\n$/,
      );
    });

    test('what cannot be shipped is said before a node is asked', async () => {
      await writeFile(join(home, 'arm'), elfFile({ machine: 183 }), { mode: 0o755 });
      await writeFile(join(home, 'text'), 'text', { mode: 0o755 });
      await writeFile(join(home, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
      await writeFile(join(home, 'lost'), '#!/nowhere/sh\n', { mode: 0o755 });
      const refusals: [string[], string, number?][] = [
        [['./none'], './none: not found', 127],
        [['nonesuch'], 'nonesuch: not found on the PATH', 127],
        [['./bin'], './bin: is a directory: -e PROGRAM names the program in it', 126],
        [['./plain'], './plain: not executable: see chmod +x', 126],
        [['./text'], `${home}/text: neither an ELF program nor a script that begins with #!`],
        [['./lost'], '/nowhere/sh: not found', 127],
        [
          ['./arm'],
          `${home}/arm is for aarch64, the node is x86_64: there is no directory $XCPU_SYSROOT/Linux/x86_64 with programs for it`,
        ],
      ];
      for (const [command, reason, status = 2] of refusals) {
        const result = await xrx(['-s', 'n1', ...command]);
        expect(result).toMatchObject({ status, stdout: '', stderr: `xrx: ${reason}\n` });
      }
      const wrong = await xrx(['-s', '--read-only', 'n1', 'true']);
      expect(wrong.status).toBe(2);
      expect(wrong.stderr).toContain('--read-only is about your files, of which --ship shows none');
    });

    test('a job that is left running keeps what was shipped', async () => {
      const started = await xrx(['-s', '--detach', '--no-stdin', 'n1', './bin/my prog', 'later']);
      expect(started).toMatchObject({ status: 0, stderr: '' });
      const { stdout } = await xrx(['-J', started.stdout.trim(), 'n1']);
      expect(stdout).toContain('hello from ./bin/my prog\nargument later\n');
    });

    describe('when something is wrong there', () => {
      let large: string;
      const RAN = 'n1: hello from bin/large\nn1: argument ran\n';

      beforeAll(async () => {
        // A program of 200 MB, nearly all of which is nothing.
        large = join(home, 'bin/large');
        await copyFile(join(home, 'bin/my prog'), large);
        await chmod(large, 0o755);
        await truncate(large, 200 * 1024 * 1024);
      });

      async function withNode<T>(prepare: string, use: (node: Daemon) => Promise<T>): Promise<T> {
        await using other = await Cluster.start(1, { users: [CAROL], wrap: roots.wrap(prepare) });
        const { host, port } = other.node;
        await writeFile(env.XCPU_NODES_FILE!, `x1=${host}!${port}\n`, { flag: 'a' });
        try {
          return await use(other.node);
        } finally {
          await cluster.writeNodeMap();
        }
      }

      /** Waits until the program is on its way to a node. */
      async function isSent({ pid, temporary }: Daemon): Promise<void> {
        await eventually('the node is being sent the program', async () => {
          const names = await filesBelow(`/proc/${pid}/root${temporary}`);
          return names?.some((name) => name.endsWith('fs/bin/large'));
        });
      }

      test('a full disk is named; the other nodes run it', async () => {
        await withNode('mount -t tmpfs -o size=8m small "$place"', async () => {
          const { stdout, stderr, status } = await xrx(['-s', '-p', 'n1,x1', 'bin/large', 'ran']);
          expect(stdout).toBe(RAN);
          expect(stderr).toMatch(
            /^xrx: x1: cannot be sent bin\/large: .*space.* \(where xcpufs -t keeps what is shipped\)\n$/,
          );
          expect(status).toBe(125);
          const left = await xrx(['-l', 'x1', 'ls', '-R', '/tmp']);
          expect(left.stdout).not.toContain('large');
        });
      });

      test('a place where nothing may be run is named', async () => {
        await withNode('mount -t tmpfs -o noexec none "$place"', async () => {
          for (const program of ['./bin/my prog', '/bin/busybox']) {
            const { stderr, status } = await xrx(['-s', 'x1', program]);
            expect(stderr).toMatch(/^xcpufs: .* mounted noexec; xcpufs -t .*\n$/);
            expect(status).toBe(126);
          }
        });
      });

      test('a node that dies in the middle is named; the other nodes run it', async () => {
        await withNode('mount -t tmpfs -o size=300m small "$place"', async (node) => {
          const command = startCommand('xrx', login(['-s', '-p', 'n1,x1', 'bin/large', 'ran']), {
            cwd: home,
            env,
          });
          command.child.stdin.end();
          await isSent(node);
          await node.crash();
          const { stdout, stderr, status } = await command.result;
          expect(stdout).toBe(RAN);
          expect(stderr).toMatch(/^xrx: x1: .*\n$/);
          expect(status).toBe(254);
        });
      });

      test.skipIf(lacksProgram('python3'))(
        'progress is shown on a terminal, and nowhere else',
        async () => {
          const { node } = cluster;
          const terminal = onTerminal(['-s', '--no-stdin', 'n1', 'bin/large', 'ran']);
          await isSent(node);
          // What takes less than a second is not worth a line.
          process.kill(node.pid, 'SIGSTOP');
          await sleep(1100);
          process.kill(node.pid, 'SIGCONT');
          const shown = await terminal;
          expect(shown).toMatch(/\r\x1b\[Kshipping to 1 node: \d+% of 20\d MiB, [\d.]+ [KM]iB\/s/);
          expect(shown).toMatch(/\r\x1b\[Khello from bin\/large\r\nargument ran\r\n$/);
          for (const line of shown.split(/[\r\n]/)) {
            expect(line.replaceAll('\x1b[K', '').length).toBeLessThan(80);
          }
          const piped = await xrx(['-s', 'n1', 'bin/large', 'ran']);
          expect(piped).toMatchObject({
            stdout: RAN.replaceAll('n1: ', ''),
            stderr: '',
            status: 0,
          });
        },
      );

      test.skipIf(lacksProgram('python3'))('what is not shipped is said there', async () => {
        await writeFile(join(home, 'script'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
        expect(await onTerminal(['-s', '--no-stdin', 'n[1-2]', './script'])).toBe(
          'xrx: script is a script: /bin/sh is shipped, but not what the script itself loads or runs\r\nran\r\nran\r\n',
        );
      });
    });

    /** What xrx shows on a terminal, all of it; it must succeed. */
    async function onTerminal(args: readonly string[]): Promise<string> {
      const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
      const words = ['-c', pty, process.execPath, bundle('xrx'), ...login(args)];
      const child = spawn('python3', words, { cwd: home, env: { ...cleanEnvironment(), ...env } });
      endWithTests(child);
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
      });
      expect(await once(child, 'close')).toEqual([0, null]);
      return shown;
    }
  },
);

/** Everything below a directory; undefined where it changes meanwhile. */
function filesBelow(directory: string): Promise<string[] | undefined> {
  return readdir(directory, { recursive: true }).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
