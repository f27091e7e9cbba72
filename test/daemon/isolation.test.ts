import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin, TestSession } from '../support/client.js';
import { ALICE, BOB, Cluster, type TestUser } from '../support/cluster.js';
import { testKey } from '../support/keys.js';
import { lacksRoot } from '../support/needs.js';
import { eventually } from '../support/wait.js';

/** His default group is Alice's. */
const CAROL: TestUser = {
  name: 'carol',
  uid: 41_003,
  group: ALICE.group,
  gid: ALICE.gid,
  groups: {},
  key: testKey('carol_key'),
};

const READABLE = [
  'ctl',
  'argv',
  'env',
  'ns',
  'stdout',
  'stderr',
  'stdio',
  'wait',
  'id',
  'fs',
  'term',
  'groups',
];
const WRITABLE = ['ctl', 'argv', 'env', 'ns', 'stdin', 'stdio', 'term'];

describe.skipIf(lacksRoot())('a session and who is not its user', () => {
  let cluster: Cluster;
  let alice: NodeLogin;
  let session: TestSession;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE, BOB, CAROL] });
    alice = await cluster.user(ALICE);
    session = await alice.newSession();
    await session.start(['cat']);
  });
  afterAll(() => cluster?.stop());

  test.each(READABLE)('another user cannot read %s', async (file) => {
    await using bob = await cluster.user(BOB);
    await expect(bob.open(session.path(file))).rejects.toThrow('permission denied');
  });

  test.each(WRITABLE)('another user cannot write %s', async (file) => {
    await using bob = await cluster.user(BOB);
    await expect(bob.open(session.path(file), OpenMode.WRITE)).rejects.toThrow('permission denied');
    await expect(bob.open(session.path(file), OpenMode.READ | OpenMode.TRUNCATE)).rejects.toThrow(
      'permission denied',
    );
  });

  test('another user cannot empty, rename, give away or remove a file of it', async () => {
    await using bob = await cluster.user(BOB);
    for (const file of [...READABLE, 'stdin']) {
      const fid = await bob.root.walk(session.path(file));
      await expect(fid.wstat({ length: 0 }), file).rejects.toThrow();
      await expect(fid.wstat({ name: 'mine' }), file).rejects.toThrow('permission denied');
      await expect(fid.wstat({ nUid: BOB.uid }), file).rejects.toThrow('permission denied');
      await expect(fid.wstat({ mode: 0o777 }), file).rejects.toThrow('permission denied');
      await expect(fid.remove(), file).rejects.toThrow();
    }
    const directory = await bob.root.walk(session.sid);
    await expect(directory.wstat({ nUid: BOB.uid })).rejects.toThrow('permission denied');
    await directory.clunk();
    expect(Number(await session.text('ctl'))).toBeGreaterThan(1);
  });

  test('another user cannot reach what was pushed into fs/, nor add to it', async () => {
    const fs = await alice.root.walk(session.path('fs'));
    await fs.create('open-to-all', 0o666, OpenMode.WRITE);
    await fs.clunk();
    await using bob = await cluster.user(BOB);
    await expect(bob.open(session.path('fs/open-to-all'))).rejects.toThrow('file not found');
    const his = await bob.root.walk(session.path('fs'));
    await expect(his.create('intruder', 0o644, OpenMode.WRITE)).rejects.toThrow(
      'permission denied',
    );
    await his.clunk();
  });

  test("another user's program can neither enter fs/ nor signal the program", async () => {
    await using bob = await cluster.user(BOB);
    const pid = await session.text('ctl');
    const sessions = `${cluster.node.temporary}/xcpufs-*/sessions`;
    const script = `kill -9 ${pid}; cat ${sessions}/${session.sid}/fs/*; ls ${sessions}; cat /proc/${pid}/environ`;
    const { stdout, stderr } = await bob.run(['sh', '-c', script]);
    expect(stdout).toBe('');
    expect(stderr.match(/permission denied|not permitted/gi)?.length).toBeGreaterThanOrEqual(2);
    expect(await session.text('ctl')).toBe(pid);
  });

  test("another user's fid does not keep a session alive", async () => {
    const node = await cluster.user(ALICE);
    const mine = await node.newSession();
    await mine.start(['sleep', '1000']);
    await using bob = await cluster.user(BOB);
    await bob.root.walk(mine.path('wait'));
    node.close();
    await eventually('the session is gone', () => noSession(bob, mine.sid));
  });

  test('mates of the default group may read and steer it', async () => {
    await using carol = await cluster.user(CAROL);
    const hers = await alice.newSession();
    await carol.write(hers.path('argv'), 'cat');
    await carol.write(hers.path('ctl'), 'exec cat\n');
    await carol.write(hers.path('stdin'), 'from a mate');
    await carol.write(hers.path('ctl'), 'close stdin\n');
    expect(await carol.text(hers.path('stdout'))).toBe('from a mate');
    expect(await carol.text(hers.path('wait'))).toBe('0');
    expect(await hers.text('stdout')).toBe('from a mate');
    await carol.write(hers.path('ctl'), 'wipe\n');
    await expect(hers.ctl('signal 1')).rejects.toThrow();
    await hers.close();
  });

  test('is its owner’s alone once his files are served to it: mates can no longer steer it', async () => {
    await using carol = await cluster.user(CAROL);
    const hers = await alice.newSession();
    const walked = await carol.root.walk(hers.path('stdin'));
    const fs = await carol.root.walk(hers.path('fs'));
    const term = await hers.open('term', OpenMode.READ_WRITE);
    await hers.start(['cat']);
    const refused = 'permission denied';
    for (const file of READABLE) {
      await expect(carol.open(hers.path(file)), file).rejects.toThrow(refused);
    }
    for (const file of WRITABLE) {
      await expect(carol.open(hers.path(file), OpenMode.WRITE), file).rejects.toThrow(refused);
    }
    await expect(walked.open(OpenMode.WRITE)).rejects.toThrow(refused);
    await expect(walked.wstat({ length: 0 })).rejects.toThrow(refused);
    await expect(fs.create('intruder', 0o644, OpenMode.WRITE)).rejects.toThrow(refused);
    const stat = await (await carol.root.walk(hers.path('ctl'))).stat();
    expect(stat.mode).toBe(0o600);
    await term.clunk();
    await expect(carol.open(hers.path('stdin'), OpenMode.WRITE)).rejects.toThrow(refused);
    await using admin = await cluster.admin();
    await admin.write(hers.path('ctl'), 'signal 9\n');
    expect(await hers.text('wait')).toBe('9');
  });

  test.each([
    ['has a file open', (carol: NodeLogin, path: string) => carol.open(`${path}/stdout`)],
    [
      'has set something',
      (carol: NodeLogin, path: string) => carol.write(`${path}/ctl`, 'env LD_PRELOAD=/tmp/evil\n'),
    ],
    [
      'has put a program there',
      async (carol: NodeLogin, path: string) => {
        const fs = await carol.root.walk(`${path}/fs`);
        await fs.create('true', 0o755, OpenMode.WRITE);
        await fs.clunk();
      },
    ],
  ])('gets none of its owner’s files when a mate %s already', async (_, use) => {
    await using carol = await cluster.user(CAROL);
    const hers = await alice.newSession();
    await use(carol, hers.path('').replace(/\/$/, ''));
    await expect(hers.open('term', OpenMode.READ_WRITE)).rejects.toThrow(
      'term: carol has used this session already',
    );
    await hers.start(['true']);
    expect(await hers.text('wait')).toBe('0');
    await hers.close();
  });

  test("a mate's supplementary group opens nothing", async () => {
    const crew: TestUser = { ...CAROL, name: 'dave', uid: 41_004, group: 'crew', gid: 41_200 };
    await cluster.addUser(crew);
    await using dave = await cluster.user(crew);
    await expect(dave.open(session.path('stdout'))).rejects.toThrow('permission denied');
  });

  test('the administrator may read and steer it, and hand it to another user', async () => {
    await using admin = await cluster.admin();
    const given = await alice.newSession();
    expect(await admin.text(given.path('id'))).toBe('/0');
    const directory = await admin.root.walk(given.sid);
    await directory.wstat({ nUid: BOB.uid });
    await directory.clunk();
    await expect(given.text('id')).rejects.toThrow('permission denied');
    await using bob = await cluster.user(BOB);
    await bob.write(given.path('argv'), 'id -u');
    await bob.write(given.path('ctl'), 'exec id\n');
    expect(await bob.text(given.path('stdout'))).toBe(`${BOB.uid}\n`);
    await admin.write(given.path('ctl'), 'wipe\n');
    await given.close();
  });

  test('a command that fails at the end of a long write ends nothing else', async () => {
    const mine = await alice.newSession();
    const long = `${'env A=b\n'.repeat(255)}connect 127.0.0.1!1/1`;
    await expect(mine.ctl(long)).rejects.toThrow('connect: a passkey is needed');
    expect((await mine.text('env')).match(/^A=b$/gm)).toHaveLength(255);
    await mine.close();
    expect(cluster.node.running).toBe(true);
  });

  test('nobody but the administrator changes the files of the root', async () => {
    await using bob = await cluster.user(BOB);
    for (const file of ['clone', 'ctl', 'env', 'ns', 'procs', 'state', 'pwent', 'grent', 'keys']) {
      const fid = await bob.root.walk(file);
      await expect(fid.wstat({ nUid: BOB.uid }), file).rejects.toThrow('permission denied');
      await expect(fid.wstat({ mode: 0o666 }), file).rejects.toThrow('permission denied');
      await expect(fid.open(OpenMode.WRITE), file).rejects.toThrow('permission denied');
      await fid.clunk();
    }
    for (const file of ['pwent', 'grent', 'keys']) {
      await expect(bob.open(file), file).rejects.toThrow('permission denied');
    }
  });

  test('the administrator closes clone to all but one group', async () => {
    await using admin = await cluster.admin();
    const clone = await admin.root.walk('clone');
    await clone.wstat({ mode: 0o440, nGid: BOB.gid });
    await expect(alice.open('clone')).rejects.toThrow('permission denied');
    await using bob = await cluster.user(BOB);
    expect((await bob.run(['true'])).status).toEqual({ exitCode: 0 });
    await clone.wstat({ mode: 0o444 });
    await clone.clunk();
    expect((await alice.run(['true'])).status).toEqual({ exitCode: 0 });
  });
});

/** Whether the node's root no longer lists the session. */
async function noSession(node: NodeLogin, sid: string): Promise<boolean> {
  const root = await node.open('/');
  const entries = await root.readDirectory();
  await root.clunk();
  return !entries.some(({ name }) => name === sid);
}
