import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, runCommand } from '../support/command.js';
import { lacks } from '../support/needs.js';

const run = promisify(execFile);
const CAPTURE = fileURLToPath(new URL('../support/complete.zsh', import.meta.url));

const NODES = ['n8', 'n9', 'n10', 'n11'];
const MAP = `${NODES.map((name) => `${name}=127.0.1.8 # a node\n`).join('')}
#n7=127.0.1.7
login = tcp!127.0.1.1!7000
g01=127.0.1.2
g02=127.0.1.3
g04=127.0.1.4
`;
const EVERYWHERE = [...NODES, 'login', 'g01', 'g02', 'g04', 'n[8-11]', 'g[01-02,04]'];

let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'xcpu-completion-'));
  writeFileSync(join(directory, 'nodes'), MAP);
  writeFileSync(join(directory, 'key.pub'), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, stderr, status } = await runCommand('xrx', ['completion', shell]);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    writeFileSync(join(directory, `completions.${shell}`), stdout);
  }
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What lines can become: for each the words that its last one can be, without quotes. */
const SHELLS: Record<string, (lines: readonly string[], env?: Env) => Promise<string[][]>> = {
  bash: (lines, env = {}) => {
    const script = `source ./completions.bash
      COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=("\${@:2}") COMP_CWORD=$(($# - 2))
      complete -p "$2" >/dev/null && _xcpu && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const complete = async (line: string) => {
      // As readline parts them, at blanks and $COMP_WORDBREAKS.
      const words = line.split(/ +|(?<=[@:=])|(?=[@:=])/);
      const { stdout } = await run('bash', ['-c', script, 'bash', line, ...words], inside(env));
      const last = lastWord(line).replaceAll("'", '');
      const kept = last.slice(
        0,
        Math.max(...['@', ':', '='].map((at) => last.lastIndexOf(at) + 1)),
      );
      return linesOf(stdout).map((word) => kept + word.replaceAll('\\', ''));
    };
    return Promise.all(lines.map(complete));
  },
  zsh: async (lines, env = {}) => {
    const words = ['-f', CAPTURE, './completions.zsh', ...lines];
    const { stdout } = await run('zsh', words, inside(env));
    return lines.map((line, index) => {
      const option = lastWord(line).replace(/[^=]*$/, '');
      const told = stdout.split('[end]')[index] ?? '';
      return [...told.matchAll(/<([^<>\s]+)>/g)].map(([, word]) => option + word);
    });
  },
  fish: async (lines, env = {}) => {
    const script =
      'source ./completions.fish; for line in $argv; complete -C $line; echo [end]; end';
    const words = ['--no-config', '-c', script, ...lines];
    const { stdout } = await run('fish', words, inside(env));
    return stdout
      .split('[end]\n')
      .slice(0, lines.length)
      .map((told) => linesOf(told).map((word) => word.replace(/\t.*/, '')));
  },
};

const CASES: readonly (readonly [line: string, expected: readonly string[]])[] = [
  ['xps ', EVERYWHERE],
  ['xps n', [...NODES, 'n[8-11]']],
  ['xps n8,n', ['n8,n9', 'n8,n10', 'n8,n11', 'n8,n[8-11]']],
  ["xps 'n[8-1", ['n[8-10]', 'n[8-11]']],
  ["xps 'n[8,1", ['n[8,10]', 'n[8,11]']],
  ['xps alice@lo', ['alice@login']],
  ['xps -w lo', ['login']],
  ['xps --nodes=lo', ['--nodes=login']],
  ['xps --no', ['--nodes']],
  ['xps -xw lo', ['login']],
  ['xps n8 ', []],
  ['xrx compl', ['completion']],
  ['xuserset addg', ['addgroup']],
  ['xuserset addgroup -w lo', ['login']],
  ['xuserset addgroup lo', ['login']],
  ['xuserset delete --admin', ['--admin-key']],
  ['xuserset n8 alice 1000 staff ke', ['key.pub']],
  ['xps -A ke', ['key.pub']],
  ['xk TERM lo', ['login']],
  ['xk -9 lo', ['login']],
  ['9p mk', ['mkdir']],
  ['9p mkdir --par', ['--parents']],
  ['9p -a n8 cp --rec', ['--recursive']],
  ['9p ls lo', ['login']],
  ['xcpufs --mount ke', ['kernel']],
  ['xrx n8 chroo', ['chroot']],
  ['xrx -l -w n8 -- chroo', ['chroot']],
];

describe.each(Object.keys(SHELLS))('in %s', (shell) => {
  const folders = ['/bin', '/usr/bin'];
  const missing = lacks(
    shell,
    folders.some((folder) => existsSync(join(folder, shell))),
  );
  const complete = SHELLS[shell]!;
  let found: string[][];

  beforeAll(async () => {
    if (!missing) found = await complete(CASES.map(([line]) => line));
  });

  it.skipIf(missing).each(CASES.map(([line, expected], index) => [line, expected, index] as const))(
    '%s',
    (_, expected, index) => {
      expect([...new Set(found[index])].sort()).toEqual([...expected].sort());
    },
  );

  it.skipIf(missing)('$NODES names the nodes', async () => {
    const [nodes, programs] = await complete(['xps ', 'xrx chroo'], { NODES: 'n8' });
    expect(nodes).toEqual([]);
    expect(programs).toContain('chroot');
  });

  it.skipIf(missing)('has nothing to say without a node map', async () => {
    const env = { XCPU_NODES_FILE: join(directory, 'none') };
    expect(await complete(['xps n'], env)).toEqual([[]]);
  });
});

describe('xrx completion', () => {
  it('is the name of a node where it is not asked for in these words', async () => {
    const env = { XCPU_NODES_FILE: join(directory, 'nodes') };
    const one = await runCommand('xrx', ['completion', 'bash', '-c', 'true'], { env });
    expect(one.status).toBe(254);
    expect(one.stderr).toMatch(/^xrx: completion: /);
    const other = await runCommand('xrx', ['-l', '-w', 'completion', 'bash'], { env });
    expect(other.status).toBe(254);
  });

  it.each([[['completion']], [['completion', 'tcsh']]])('names the shells: %j', async (args) => {
    const { status, stdout, stderr } = await runCommand('xrx', args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('bash, zsh and fish');
  });
});

type Env = Readonly<Record<string, string>>;

/** The user's own files must not matter, nor what stands in the way of a shell that is typed into. */
function inside(env: Env) {
  const own = { HOME: directory, XCPU_NODES_FILE: join(directory, 'nodes') };
  return { cwd: directory, env: { ...cleanEnvironment(), ...own, ...env }, timeout: 20_000 };
}

function lastWord(line: string): string {
  return line.replace(/.* /, '');
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(Boolean);
}
