import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin, RunResult } from '../support/client.js';
import { ALICE, BOB, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';

/** A library that tells, on the stderr of whatever loads it, as which user it was loaded. */
const TELLTALE = `
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void tell(void) { fprintf(stderr, "loaded as %d\\n", (int)geteuid()); }
`;

describe.skipIf(lacksRoot())('what a program finds itself in', () => {
  let cluster: Cluster;
  let node: NodeLogin;
  const sh = (script: string, ...rest: string[]): Promise<RunResult> =>
    node.run(['sh', '-c', script, ...rest]);

  beforeAll(async () => {
    cluster = await Cluster.start(1, {
      users: [ALICE, BOB],
      wrap: ['sh', '-c', 'ulimit -Sn 777; exec "$@"', 'sh'],
    });
    node = await cluster.user(ALICE);
  });
  afterAll(() => cluster?.stop());

  test("the user's uid and gid, real, effective, saved and of the file system, and all groups", async () => {
    const { stdout } = await sh('grep -E "^(Uid|Gid|Groups):" /proc/self/status');
    const lines = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':') as [string, string])
        .map(([name, numbers]) => [name, numbers.trim().split(/\s+/).map(Number)]),
    );
    const { uid, gid, groups } = ALICE;
    expect(lines.Uid).toEqual([uid, uid, uid, uid]);
    expect(lines.Gid).toEqual([gid, gid, gid, gid]);
    expect(lines.Groups?.sort()).toEqual([gid, ...Object.values(groups)].sort());
  });

  test('groups given and taken later count at the next program', async () => {
    await using admin = await cluster.admin();
    await admin.nodeCtl('user-add-group bob crew');
    await using bob = await cluster.user(BOB);
    expect((await bob.run(['id', '-G'])).stdout.trim().split(' ')).toContain('41200');
    await admin.nodeCtl('user-del-group bob crew');
    expect((await bob.run(['id', '-G'])).stdout.trim().split(' ')).not.toContain('41200');
  });

  test('no capability, and no way to more rights than it has', async () => {
    const { stdout } = await sh('grep -E "^Cap(Inh|Prm|Eff|Amb):" /proc/self/status');
    expect(stdout.match(/\t0{16}$/gm)).toHaveLength(4);
  });

  test('three descriptors and no others, all pipes', async () => {
    const { stdout } = await sh('ls /proc/$$/fd; readlink /proc/$$/fd/[012]; :');
    const lines = stdout.trim().split('\n');
    expect(lines.slice(0, 3)).toEqual(['0', '1', '2']);
    expect(lines.slice(3)).toEqual(Array(3).fill(expect.stringMatching(/^pipe:/)));
  });

  test('a clean signal mask, and no signal ignored or caught', async () => {
    const { stdout } = await node.run(['cat', '/proc/self/status']);
    expect(stdout.match(/^Sig(Blk|Ign|Cgt):\t0{16}$/gm)).toHaveLength(3);
  });

  test('the soft limit of open files that the daemon was started with', async () => {
    expect((await sh('ulimit -Sn')).stdout).toBe('777\n');
    const hard = await readFile(`/proc/${cluster.node.pid}/limits`, 'utf8');
    const limit = /^Max open files\s+(\d+)\s+(\d+)/m.exec(hard);
    expect(Number(limit?.[1])).toBeGreaterThan(777);
    expect((await sh('ulimit -Hn')).stdout).toBe(`${limit?.[2]}\n`);
  });

  test('HOME, USER, LOGNAME, SHELL and PATH that fit the user', async () => {
    const { stdout } = await node.run(['env']);
    expect(Object.fromEntries(stdout.split('\n').map((line) => line.split('=')))).toMatchObject({
      HOME: '/',
      USER: 'alice',
      LOGNAME: 'alice',
      SHELL: '/bin/sh',
      PATH: '/usr/local/bin:/usr/bin:/bin',
    });
    expect(stdout).not.toMatch(/XCPU_VARIABLE|XCPUFS/);
  });

  test('what the client says of them counts, and what says which session it is cannot be forged', async () => {
    const env = [
      ['HOME', '/tmp'],
      ['PATH', '/bin:/usr/bin'],
      ['XCPUSID', '99999'],
      ['XCPUID', 'forged/1'],
    ] as const;
    const { stdout } = await node.run(['env'], { env, id: 'job7/3' });
    expect(stdout).toContain('\nHOME=/tmp\n');
    expect(stdout).toContain('\nPATH=/bin:/usr/bin\n');
    expect(stdout).toMatch(/^XCPUID=job7\/3$/m);
    expect(stdout).not.toMatch(/^XCPUSID=99999$/m);
    expect(stdout).toMatch(/^XCPU_PARENT=127\.0\./m);
  });

  test('a process group and session of its own, away from any terminal', async () => {
    const { stdout } = await sh('cut -d" " -f1,5,6,7 /proc/$$/stat; echo $$');
    const [stat, pid] = stdout.trim().split('\n');
    expect(stat).toBe(`${pid} ${pid} ${pid} 0`);
  });

  test('/dev/stdout and /dev/stderr can be opened by name', async () => {
    const { stdout, stderr } = await sh(
      'echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin',
    );
    expect({ stdout, stderr }).toEqual({ stdout: 'out\n', stderr: 'err\n' });
  });

  test('its home directory, or / where that is not there', async () => {
    expect((await node.run(['pwd'])).stdout).toBe('/\n');
  });

  test('LD_PRELOAD and BASH_ENV of the user do nothing before the program is the user', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'xcpu-preload-'));
    try {
      await mkdir(join(directory, 'lib'));
      execFileSync('chmod', ['-R', 'a+rX', directory]);
      const library = join(directory, 'telltale.so');
      const source = join(directory, 'telltale.c');
      await writeFile(source, TELLTALE);
      const compiled = await compile(source, library);
      const env = [
        ['LD_PRELOAD', compiled ? library : '/no/such/telltale.so'],
        ['BASH_ENV', '/no/such/bash-env'],
        ['ENV', '/no/such/env'],
        ['SHELLOPTS', 'xtrace'],
      ] as const;
      const { status, stdout, stderr } = await node.run(['id', '-u'], { env });
      expect({ status, stdout }).toEqual({ status: { exitCode: 0 }, stdout: `${ALICE.uid}\n` });
      const loads = stderr.trim().split('\n');
      // By the program itself, once; where nothing was compiled, the loader's complaint counts as one.
      expect(loads).toHaveLength(1);
      expect(loads[0]).toMatch(compiled ? `loaded as ${ALICE.uid}` : 'telltale.so');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('values with newlines, quotes, blanks and other alphabets arrive as they are', async () => {
    const values = {
      LINES_OF: 'first\nsecond\n',
      QUOTES: `it's "quoted" \`x\` $(id) \\ $HOME`,
      BLANKS: '  a\tb  ',
      EMPTY: '',
      UNICODE: 'żółw 𝄞 日本',
      EQUALS: 'a=b=c',
      IFS: 'x',
      PS4: '$(id)',
    };
    const { stdout } = await node.run(['env', '-0'], { env: Object.entries(values) });
    const got = Object.fromEntries(
      stdout.split('\0').map((entry) => {
        const at = entry.indexOf('=');
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
    );
    expect(got).toMatchObject(values);
  });
});

/** Answers whether there is a compiler that makes a shared library. */
function compile(source: string, library: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('gcc', ['-shared', '-fPIC', '-o', library, source], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
