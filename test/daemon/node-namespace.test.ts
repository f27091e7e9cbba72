import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';

/** What the administrator wrote to the node's own `ns`: every session begins with it. */
const NODE_NS = `unshare
mount xcpu /srv tmpfs size=1m,mode=1777
mount $USER /opt tmpfs size=1m   # the name is the node's
`;

describe.skipIf(lacksRoot())('the namespace program of the node', () => {
  let cluster: Cluster;
  let admin: NodeLogin;
  let alice: NodeLogin;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    admin = await cluster.admin();
    alice = await cluster.user(ALICE);
    const ns = await admin.open('/ns', OpenMode.WRITE | OpenMode.TRUNCATE);
    await ns.write(0, Buffer.from(NODE_NS));
    await ns.clunk();
  });
  afterAll(() => cluster?.stop());

  const mounts = [
    'sh',
    '-c',
    "grep -E ' /(srv|opt) ' /proc/self/mounts; echo x >/srv/made; ls /srv",
  ];

  test('is built for whoever writes none, with mounts that only it may ask for', async () => {
    const { stdout, stderr } = await alice.run(mounts);
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^xcpu \/srv tmpfs rw,nosuid,nodev,.*\nalice \/opt tmpfs rw,nosuid,nodev,.*\nmade\n$/,
    );
  });

  test('takes no variable of the user’s for a mount', async () => {
    const env = [['USER', '/etc']] as const;
    expect((await alice.run(mounts, { env })).stdout).toMatch(/^alice \/opt /m);
  });

  test('gives no such right to a program that begins like it', async () => {
    const { status, stderr } = await alice.run(['true'], {
      ns: `${NODE_NS}mount xcpu /mnt tmpfs size=1m\n`,
    });
    expect(status).toEqual({ exitCode: 125 });
    expect(stderr).toMatch(/^xcpufs: namespace line 2: mount: only the node's administrator may/);
  });

  test('gives way to the user’s own', async () => {
    expect((await alice.run(mounts, { ns: 'unshare\n' })).stdout).not.toContain('tmpfs');
  });

  test('an administrator may mount in a session of his own', async () => {
    const { stdout } = await admin.run(mounts, { ns: 'mount mine /srv tmpfs size=1m,mode=1777\n' });
    expect(stdout).toMatch(/^mine \/srv tmpfs rw,nosuid,nodev/);
  });
});

describe.skipIf(lacksRoot())('a node whose users may mount some types', () => {
  let cluster: Cluster;
  let alice: NodeLogin;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE], args: ['--allow-mount', 'tmpfs,ramfs'] });
    alice = await cluster.user(ALICE);
  });
  afterAll(() => cluster?.stop());

  test('mounts these for them, without set-id programs and devices', async () => {
    const { status, stdout, stderr } = await alice.run(
      ['sh', '-c', "grep -E ' /(srv|opt) ' /proc/self/mounts"],
      { ns: 'mount mine /srv tmpfs size=1m\nmount other /opt ramfs mode=700\n' },
    );
    expect({ status, stderr }).toEqual({ status: { exitCode: 0 }, stderr: '' });
    expect(stdout).toMatch(
      /^mine \/srv tmpfs rw,nosuid,nodev,.*\nother \/opt ramfs rw,nosuid,nodev,/,
    );
  });

  test.each([
    ['proc', '', 'type "proc" is not allowed, only tmpfs, ramfs'],
    ['tmpfs,ext4', '', 'type "tmpfs,ext4" is not allowed'],
    ['tmpfs', 'ro,bind', 'the option "bind" is only for the node\'s administrator'],
    ['tmpfs', 'remount', 'the option "remount" is only for'],
    ['tmpfs', 'X-mount.mkdir', 'the option "X-mount.mkdir" is only for'],
    ['tmpfs', 'size=1m,dev', 'the option "dev" is only for'],
  ])('mounts nothing else: %s with %j', async (type, options, reason) => {
    const ns = `unshare\nmount /root /srv ${type} '${options}'\n`;
    const { status, stderr } = await alice.run(['true'], { ns });
    expect(status).toEqual({ exitCode: 125 });
    expect(stderr).toContain(`xcpufs: namespace line 2: mount: ${reason}`);
  });
});
