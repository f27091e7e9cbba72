import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuplexTransport } from '@xcpu/9p-protocol';
import { mount } from '@xcpu/9p-protocol/client';
import { lookupEnvironment, parseEnvironment } from '@xcpu/xcpu-protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand, startCommand } from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';
import { eventually } from '../support/wait.js';
import { LegacyServer } from './legacy-server.js';
import { PREPARATIONS, preparationCommands } from './preparations.js';
import { programFor } from './programs.js';

const NODE = '127.0.1.50';

let directory: string;
let server: LegacyServer;
let key: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xcpu-legacy-'));
  key = (await writeKey(testKey('user_key'), directory)).privateFile;
  const adminKey = testKey('admin_key').publicKey;
  const programs = programFor;
  server = await LegacyServer.start({ host: NODE, adminKey, programs, mounts: true });
  for (const command of preparationCommands(PREPARATIONS.xrx_true ?? {})) {
    server.users.write(`${command}\n`);
  }
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const xrx = (...args: string[]) => ['--user', 'root', '-k', key, ...args];

it('a historic node reaches the user’s files at a port, if told so, and nobody else does', async () => {
  await writeFile(join(directory, 'data'), 'mine');
  const running = startCommand('xrx', xrx('--legacy-export', server.name, '/bin/cat'), {
    cwd: directory,
  });
  await eventually(
    'the program runs',
    () => server.sessions[0]?.written.ctl.includes('exec') === true,
  );
  const { env, ns } = server.sessions[0]!.written;
  expect(ns.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
    ...['unshare', 'import $XCPUTSADDR /mnt/term', 'bind /mnt/term/$XCPUARCHDIR /mnt/sandbox'],
    ...['bind /mnt/term/home /mnt/sandbox/home', 'bind /dev /mnt/sandbox/dev'],
    ...['bind /proc /mnt/sandbox/proc', 'bind /sys /mnt/sandbox/sys', 'chroot /mnt/sandbox'],
    ...[`cd ${directory}`, ''],
  ]);
  const address = lookupEnvironment(parseEnvironment(env), 'XCPUTSADDR') ?? '';
  const port = Number(/^127\.0\.0\.1!(\d+)$/.exec(address)?.[1]);

  const from = (localAddress: string) =>
    mount(
      new DuplexTransport(createConnection({ host: '127.0.0.1', port, localAddress }), {
        address,
        group: NODE,
      }),
      { uname: 'root', version: '9P2000.u' },
    );
  const files = await from(NODE);
  expect(await files.readFile(join(directory, 'data'), 'utf8')).toBe('mine');
  await files.close();
  await expect(from('127.0.1.51')).rejects.toThrow();
  running.child.stdin.end();
  expect((await running.result).status).toBe(0);
});

it('a historic node is told that it cannot, otherwise', async () => {
  const { status, stderr } = await runCommand('xrx', xrx(server.name, '/bin/true'));
  expect(stderr).toBe(
    `xrx: ${server.name}: a legacy node, which cannot reach your files this way: -l runs what is there, --legacy-export offers them on a port\n`,
  );
  expect([status, server.sessions.length]).toEqual([125, 0]);
});
