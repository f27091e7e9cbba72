import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksMountNamespaces, lacksRoot } from '../../../../test/support/needs.js';
import { directory } from './support.js';

const SECRET = 'the private key';
const USER = 12_345;
let place: string;
let program: string;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'xrx-export-program-'));
  chmodSync(place, 0o755);
  program = join(place, 'program.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'program.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@xcpu/source'],
    external: ['*.node'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

/** What program.ts tells of the steps, run by this command line. */
function run(wrap: readonly string[], options: object, steps: readonly (readonly string[])[]) {
  const [command = process.execPath, ...args] = [...wrap, process.execPath, program];
  const given = [...args, JSON.stringify(options), JSON.stringify(steps)];
  const { stdout, stderr, status } = spawnSync(command, given, { encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return JSON.parse(stdout) as unknown[];
}

describe.skipIf(lacksRoot())('an ordinary user', () => {
  const asUser = [
    ...['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--inh-caps=-all'],
  ];

  it('exports with his rights, and no others', () => {
    const root = directory({
      'roots/secret': SECRET,
      'mine/.ssh/id_rsa': SECRET,
      'mine/f': 'data',
    });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'roots/secret'), 0o600);
    for (const path of ['mine', 'mine/.ssh', 'mine/.ssh/id_rsa', 'mine/f']) {
      chownSync(join(root, path), USER, USER);
    }
    const options = { root, hidden: [join(root, 'mine/.ssh')] };
    expect(
      run(asUser, options, [
        ['read', '/mine/f'],
        ['write', '/mine/new', 'x'],
        ['uid', '/mine/new'],
        ['read', '/roots/secret'],
        ['write', '/roots/new', 'x'],
        ['read', '/mine/.ssh/id_rsa'],
        ['rename', '/mine', '/moved'],
        ['mkdir', '/mine/.ssh'],
        ['chown', '/mine/f', '0'],
        ['list', '/proc'],
      ]),
    ).toEqual(['data', '', 500, 'EACCES', 'EACCES', 'ENOENT', 'EACCES', 'EACCES', 'EPERM', []]);
  });
});

describe.skipIf(lacksMountNamespaces())('what is mounted', () => {
  it('does not make hidden files or the kernel’s visible by another name', () => {
    const root = directory({ 'u/.ssh/id_rsa': SECRET, 'u/.netrc': SECRET, 'u/.config/app': 'x' });
    for (const name of ['ssh', 'home', 'proc', 'self', 'dev', 'kernel']) {
      mkdirSync(join(root, 'by', name), { recursive: true });
    }
    for (const name of ['key', 'netrc']) writeFileSync(join(root, 'by', name), '');
    const script = `cd ${root}
      mount --bind u/.ssh by/ssh; mount --bind u by/home
      mount --bind u/.ssh/id_rsa by/key; mount --bind u/.netrc by/netrc
      mount --bind /proc by/proc; mount -t proc proc by/self; mount --bind /dev by/dev
      mount --bind /sys/kernel by/kernel
      exec "$@"`;
    const wrap = ['unshare', '--mount', '--propagation=private', 'sh', '-ec', script, 'sh'];
    const hidden = ['.ssh', '.netrc', '.config/gcloud'].map((name) => join(root, 'u', name));
    expect(
      run(wrap, { root, hidden }, [
        ['list', '/by'],
        ['list', '/by/home'],
        ['read', '/by/ssh/id_rsa'],
        ['read', '/by/key'],
        ['read', '/by/netrc'],
        ['read', '/by/home/.ssh/id_rsa'],
        ['mkdir', '/by/home/.config/gcloud'],
        ['rename', '/by/home/.config', '/by/home/.moved'],
        ['list', '/by/proc'],
        ['read', '/by/self/self/environ'],
        ['list', '/by/self'],
        ['list', '/by/dev'],
        ['list', '/by/kernel'],
      ]),
    ).toEqual([
      ['dev', 'home', 'kernel', 'proc', 'self'],
      ['.config'],
      ...['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT', 'EACCES', 'EACCES'],
      ...[[], 'ENOENT', [], [], []],
    ]);
  });
});
