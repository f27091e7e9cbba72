import { listenTcp } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server as FilesServer } from '@xcpu/9p-protocol/server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin, TestSession } from '../support/client.js';
import { ALICE, BOB } from '../support/cluster.js';
import { eventually } from '../support/wait.js';
import { type Footprint, footprintOf, idleFootprint, nothingLeft } from './footprint.js';
import { FileSite, lacksNodeRoots } from './support.js';

/** Imports of one session: a user may have no two such at a time, and the node serves no three of them. */
const IMPORTS = 200;
const SESSIONS = 3;

/** Keeps what is named, and looks into what that is whenever a line comes. */
const HOLDS = `exec 3<"$0"; echo held; while read -r line; do ls /proc/self/fd/3/. || echo refused; done`;

describe.skipIf(lacksNodeRoots())('a namespace that a process of another session holds', () => {
  let site: FileSite;
  let alice: NodeLogin;
  let before: Footprint;

  beforeAll(async () => {
    site = await FileSite.start(1);
    await site.shell('true');
    await site.write('data', 'my data\n');
    before = await idleFootprint(site.cluster.node);
    alice = await site.cluster.user(ALICE);
  });
  afterAll(async () => {
    alice?.close();
    await site?.stop();
  });
  afterEach(() =>
    nothingLeft(site.cluster.node, { ...before, descriptors: before.descriptors + 1 }),
  );

  const mounts = () => footprintOf(site.cluster.node).mounts;

  /** A session, on the node's own files, of a process that has that open. */
  const holding = async (path: string) => {
    const session = await alice.newSession();
    await session.start(['sh', '-c', HOLDS, path]);
    const stdout = await session.open('stdout');
    expect(String(await stdout.read(0, 100))).toBe('held\n');
    return session;
  };
  const end = async (session: TestSession) => {
    await session.ctl('wipe');
    await session.close();
  };

  test('keeps no mount of it: the holder is told so', async () => {
    const script = 'echo $$; read -r line; echo written > new';
    const command = site.start(['n1', 'sh', '-c', script]);
    await command.printed('\n');
    const holder = await holding(`/proc/${Number(command.output.stdout)}/cwd`);
    await holder.write('stdin', 'look\n');
    const stdout = await holder.open('stdout');
    await eventually('the holder sees it', async () =>
      String(await stdout.read(5, 100)).includes('data'),
    );
    command.child.stdin.end('\n');
    expect(await command.result).toMatchObject({ status: 0, stderr: '' });
    // What the program wrote last came home.
    expect(await site.read('new')).toBe('written\n');
    await eventually('it is not served any more', () => mounts() === 0);
    await holder.write('stdin', 'look\n');
    await holder.ctl('close stdin');
    expect(await holder.text('stdout')).toMatch(/refused\n$/);
    expect(await holder.text('stderr')).toContain('Transport endpoint is not connected');
    await end(holder);
  });

  test('leaves room to its user, and to others', async () => {
    const files = serveDirectory(site.home);
    const server = new FilesServer(files);
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) => {
      server.accept(transport);
    });
    const numbers = Array.from({ length: IMPORTS }, (_, index) => index + 1);
    const ns = [
      'unshare\ntmpfs /mnt',
      ...numbers.map((number) => `mkdir /mnt/${number}\nimport ${listener.address} /mnt/${number}`),
    ].join('\n');
    const holders: TestSession[] = [];
    for (let round = 0; round < SESSIONS; round++) {
      const session = await alice.newSession();
      await session.start(['sh', '-c', 'echo $$; read -r line'], { ns: `${ns}\n` });
      const stdout = await session.open('stdout');
      const pid = Number(String(await stdout.read(0, 100)));
      expect({ pid, stderr: pid > 0 ? '' : await session.text('stderr') }).toEqual({
        pid: expect.any(Number),
        stderr: '',
      });
      expect(mounts()).toBe(IMPORTS);
      holders.push(await holding(`/proc/${pid}/ns/mnt`));
      await end(session);
      await eventually('nothing of it is served', () => mounts() === 0);
    }
    for (const user of [ALICE, BOB]) {
      const result = await site.xrx(['n1', 'pwd'], { user });
      expect(result).toMatchObject({ status: 0, stdout: `${site.homeOf(user)}\n`, stderr: '' });
    }
    for (const holder of holders) await end(holder);
    await listener.close();
    server.close();
    files.close();
  });
});
