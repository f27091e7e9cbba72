import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { lacks, lacksRoot } from '../../../../test/support/needs.js';
import { launchCommand, type ProgramSpec } from '../../src/program/launcher.js';
import { findTools } from '../../src/program/tools.js';
import { addUser, makeTable, temporaryDirectory } from '../support.js';

const bash = findTools(true).bash;
/** Every shell of this machine that a node's `sh` might be; busybox is one only under that name. */
const links = mkdtempSync(join(tmpdir(), 'xcpufs-shells-'));
afterAll(() => rmSync(links, { recursive: true }));
const shells = ['dash', 'bash', 'busybox'].flatMap((name) => {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  const path = stdout.trim();
  if (!path || name !== 'busybox') return path ? [path] : [];
  symlinkSync(path, join(links, 'sh'));
  return [join(links, 'sh')];
});
/** Prints what it was given as JSON. */
const REPORT =
  'process.stdout.write(JSON.stringify({ args: process.argv.slice(1), env: process.env, cwd: process.cwd() }))';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
  chmodSync(directory, 0o755);
});

describe('the command that becomes a program', () => {
  it('has nothing that a user chose in the text of its scripts', () => {
    const word = fc.string({ minLength: 1, maxLength: 8 });
    const chosen = fc.record({
      program: word,
      argv: fc.array(word, { minLength: 1 }),
      environment: fc.array(fc.tuple(word, word)),
      directory: word,
      strict: fc.boolean(),
      redirections: fc.tuple(word, word, word),
      umask: fc.constantFrom('', '022', '0077'),
    });
    const tools = { sh: '/bin/sh', setpriv: '/bin/setpriv', bash: undefined };
    const table = makeTable();
    const user = addUser(table, 'ann', 7);
    table.addGroup('crew', 9);
    table.addToGroup('ann', 'crew');
    // setpriv, user, group, groups, --, sh, -c and the script.
    const scripts = (spec: ProgramSpec) => {
      const { file, args } = launchCommand(tools, spec, user, true, '1024');
      return [file, ...args.slice(0, 7)];
    };
    const plain = scripts(specOf({}));
    fc.assert(
      fc.property(chosen, (spec) => {
        expect(scripts(spec)).toEqual(plain);
      }),
    );
  });

  it('gives the user, his default group and all of his groups', () => {
    const table = makeTable();
    const ann = addUser(table, 'ann', 7);
    table.addGroup('crew', 9);
    table.addToGroup('ann', 'crew');
    const tools = { sh: '/bin/sh', setpriv: '/bin/setpriv', bash: undefined };
    const { file, args } = launchCommand(tools, specOf({}), ann, false, '');
    const identity = ['--reuid=7', '--regid=7', '--groups=7,9', '--', '/bin/sh'];
    expect([file, ...args.slice(0, 5)]).toEqual(['/bin/setpriv', ...identity]);
  });

  it('needs nothing but Node to set a user of one group', () => {
    const ann = addUser(makeTable(), 'ann', 7);
    const tools = { sh: '/bin/sh', setpriv: '/bin/setpriv', bash: undefined };
    expect(launchCommand(tools, specOf({}), ann, false, '')).toMatchObject({
      file: '/bin/sh',
      uid: 7,
      gid: 7,
    });
  });

  it('hides variables from programs that run as root', () => {
    const tools = { sh: '/bin/sh', setpriv: '/bin/setpriv', bash: undefined };
    const environment = [['LD_PRELOAD', '/tmp/evil.so']] as const;
    const { env } = launchCommand(tools, specOf({ environment }), undefined, false, '');
    expect(env).toEqual({ XCPU_VARIABLE_1: 'LD_PRELOAD=/tmp/evil.so' });
  });
});

describe.each(shells)('run by %s', (shell) => {
  it('passes arguments on as they are', () => {
    const argv = ['', ' ', 'a b', "it's", '"', '$HOME', '`id`', '-x', '--', 'é\n', '*', '\\', ';'];
    expect(report(shell, { argv: ['node', ...argv] }).args).toEqual(argv);
  });

  it('gives the program its environment and no other, whatever the shell makes of the names', () => {
    const wanted: Record<string, string> = {
      A: '',
      B: 'two\nlines\n',
      C: 'quo\'te "$A" `id` \\',
      IFS: 'x0123456789',
      PATH: '/nonexistent',
      ENV: '/nonexistent',
      BASH_ENV: '/nonexistent',
      CDPATH: '/',
      LC_ALL: 'xx_XX.bogus',
      LANG: 'é',
      set: 'x',
      exec: 'x',
      XCPU_VARIABLE: 'kept',
      fail: 'x',
    };
    const { env } = report(shell, { environment: Object.entries(wanted) });
    for (const own of ['PWD', 'SHLVL', '_', 'OLDPWD']) delete env[own];
    expect(env).toEqual(wanted);
  });

  it('lets the first of equal names win, and drops names that no shell can export', () => {
    const environment = [
      ['A', 'first'],
      ['A', 'second'],
      ['1X', 'x'],
      ['a-b', 'x'],
      ['BASH_FUNC_f%%', '() { :; }'],
      ['XCPU_VARIABLE_1', 'B=forged'],
      ['C', 'last'],
    ] as const;
    const { env } = report(shell, { environment });
    expect([env.A, env.B, env.C, env['1X'], env['a-b']]).toEqual([
      'first',
      undefined,
      'last',
      undefined,
      undefined,
    ]);
  });

  it('survives variables that the shell does not let anybody change', () => {
    const names = ['UID', 'EUID', 'PPID', 'SHELLOPTS', 'BASHOPTS', 'BASH_VERSINFO', 'OPTIND'];
    const environment = [...names.map((name) => [name, '0'] as const), ['LAST', 'here'] as const];
    expect(report(shell, { environment: [['FIRST', 'here'], ...environment] }).env).toMatchObject({
      FIRST: 'here',
      LAST: 'here',
    });
  });

  it('starts in the directory, or says that it cannot', () => {
    const odd = join(directory, "- o'dd\n");
    mkdirSync(odd);
    expect(report(shell, { directory: odd }).cwd).toBe(odd);
    expect(report(shell, { directory: '/nonexistent', strict: false }).cwd).toBe('/');
    const { status, stderr } = launch(shell, { directory: '/nonexistent' });
    expect([status, stderr]).toEqual([
      125,
      'xcpufs: cd /nonexistent: no such directory, or not permitted\n',
    ]);
  });

  it('tells by status and reason why a program cannot be run', () => {
    const plain = join(directory, 'plain');
    writeFileSync(plain, 'text', { mode: 0o644 });
    const cases: [string, number, string][] = [
      ['/nonexistent', 127, 'not found'],
      ['no-such-program', 127, 'not found'],
      ['-l', 127, 'not found'],
      [directory, 126, 'is a directory'],
      [plain, 126, 'permission denied'],
    ];
    for (const [program, wanted, reason] of cases) {
      const { status, stderr, stdout } = launch(shell, { program, argv: [program] });
      expect([status, stderr, stdout]).toEqual([wanted, `xcpufs: ${program}: ${reason}\n`, '']);
    }
  });

  it('redirects, or says what it cannot open', () => {
    const [input, output, errors] = ['in', 'out', 'err'].map((name) => join(directory, name));
    writeFileSync(input!, 'given');
    const argv = ['sh', '-c', 'cat; echo done >&2'];
    const redirections = [input!, output!, errors!] as const;
    expect(launch(shell, { program: '/bin/sh', argv, redirections }).status).toBe(0);
    expect(readFileSync(output!, 'utf8')).toBe('given');
    expect(readFileSync(errors!, 'utf8')).toBe('done\n');
    const missing = '/nonexistent/file';
    const failures: [readonly [string, string, string], string][] = [
      [[missing, '', ''], 'cannot be read'],
      [['', missing, ''], 'cannot be written'],
      [['', '', missing], 'cannot be written'],
    ];
    for (const [wrong, reason] of failures) {
      const { status, stderr } = launch(shell, { program: '/bin/true', redirections: wrong });
      expect(status).toBe(125);
      expect(stderr).toContain(`xcpufs: ${missing}: ${reason}\n`);
    }
  });

  it('hands on the exit status and the signal of the program', () => {
    const exits = { program: '/bin/sh', argv: ['sh', '-c', 'exit 3'] };
    expect(launch(shell, exits).status).toBe(3);
    const dies = { program: '/bin/sh', argv: ['sh', '-c', 'kill -9 $$'] };
    expect(launch(shell, dies).signal).toBe('SIGKILL');
  });

  it('looks a name up on the PATH of the program, not on that of the node', () => {
    writeFileSync(join(directory, 'mine'), '#!/bin/sh\necho found\n', { mode: 0o755 });
    const environment = [['PATH', directory]] as const;
    expect(launch(shell, { program: 'mine', argv: ['mine'], environment }).stdout).toBe('found\n');
  });

  it.skipIf(lacks('bash', bash !== undefined))(
    'runs it under another name where there is bash',
    () => {
      const argv = ['-another name', '-c', 'echo "$0"'];
      expect(launch(shell, { program: '/bin/sh', argv }).stdout).toBe('-another name\n');
    },
  );

  it('waits at the gate, and does not hand it on', async () => {
    const argv = ['sh', '-c', 'echo begun; [ -e /proc/$$/fd/3 ] || echo closed'];
    const { file, args, env } = commandFor(shell, { program: '/bin/sh', argv }, true);
    const child = spawn(file, args, {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (data) => {
      output += data;
    });
    await setImmediate();
    expect(output).toBe('');
    (child.stdio[3] as Writable).end();
    await once(child, 'close');
    expect(output).toBe('begun\nclosed\n');
  });

  it('sets the soft limit of descriptors', () => {
    const argv = ['sh', '-c', 'ulimit -S -n'];
    expect(launch(shell, { program: '/bin/sh', argv }, '77').stdout).toBe('77\n');
  });

  it('sets the umask, if it is told one', () => {
    const argv = ['sh', '-c', 'umask'];
    expect(launch(shell, { program: '/bin/sh', argv, umask: '027' }).stdout).toBe('0027\n');
  });
});

describe.skipIf(lacksRoot())('as root', () => {
  it('becomes the user', () => {
    const table = makeTable();
    const ann = addUser(table, 'ann', 41_001);
    table.addGroup('crew', 41_200);
    table.addToGroup('ann', 'crew');
    const argv = ['sh', '-c', 'id -u; id -g; id -G'];
    const spec = specOf({ program: '/bin/sh', argv });
    const { file, args, env } = launchCommand(findTools(false), spec, ann, false, '');
    const { stdout } = spawnSync(file, args, { env, encoding: 'utf8' });
    expect(stdout).toBe('41001\n41001\n41001 41200\n');
  });
});

function specOf(changes: Partial<ProgramSpec>): ProgramSpec {
  const program = changes.program ?? process.execPath;
  const defaults = {
    program,
    argv: [program],
    environment: [],
    directory: '/',
    strict: true,
    redirections: ['', '', ''] as const,
    umask: '',
  };
  return { ...defaults, ...changes };
}

function commandFor(shell: string, changes: Partial<ProgramSpec>, gated: boolean, nofile = '') {
  const tools = { sh: shell, setpriv: undefined, bash };
  return launchCommand(tools, specOf(changes), undefined, gated, nofile);
}

function launch(shell: string, changes: Partial<ProgramSpec>, nofile = '') {
  const { file, args, env } = commandFor(shell, changes, false, nofile);
  // Not a socket, which to bash is a sign of rshd.
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return spawnSync(file, args, { env, cwd: '/', encoding: 'utf8', stdio: [...stdio] });
}

/** What a program sees that is started so; `argv` after its name are its arguments. */
function report(shell: string, changes: Partial<ProgramSpec>) {
  const [name = process.execPath, ...args] = changes.argv ?? [];
  const argv = [name === 'node' ? process.execPath : name, '-e', REPORT, '--', ...args];
  const { stdout, stderr } = launch(shell, { ...changes, argv });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { args: string[]; env: Record<string, string>; cwd: string };
}
