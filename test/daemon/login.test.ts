import { readFile } from 'node:fs/promises';
import { attach, auth } from '@xcpu/9p-protocol/client';
import { decryptPasskey, formatNodeCommand, signChallenge } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachAs, connect, login, type NodeLogin } from '../support/client.js';
import { ALICE, BOB, Cluster, type TestUser } from '../support/cluster.js';
import { testKey } from '../support/keys.js';
import { lacksRoot } from '../support/needs.js';

const DORA: TestUser = { ...BOB, name: 'dora', uid: 41_010, groups: {}, key: testKey('dora_key') };

describe.skipIf(lacksRoot())('logging in', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE, BOB] });
  });
  afterAll(() => cluster?.stop());

  test.each(['', 'root', 'eve', 'nobody'])('user %j is not known', async (uname) => {
    const key = testKey('admin_key');
    await expect(login(cluster.node, { uname, key })).rejects.toThrow('unknown user');
  });

  test.each([0, 9999, 12345])('number %i is not known, whatever the name', async (nUname) => {
    const { key } = ALICE;
    await expect(login(cluster.node, { uname: ALICE.name, nUname, key })).rejects.toThrow(
      'unknown user',
    );
  });

  test("another user's key is refused", async () => {
    const attempt = login(cluster.node, { uname: ALICE.name, key: BOB.key });
    await expect(attempt).rejects.toThrow('authentication failed');
  });

  test("the administrator's name with a user's key is refused", async () => {
    const attempt = login(cluster.node, { uname: 'xcpu-admin', key: ALICE.key });
    await expect(attempt).rejects.toThrow('authentication failed');
  });

  test('users and groups have names for programs, though the host knows none of them', async () => {
    await using node = await login(cluster.node, { uname: ALICE.name, key: ALICE.key });
    const { stdout } = await node.run(['id']);
    expect(stdout).toBe(
      `uid=${ALICE.uid}(alice) gid=${ALICE.gid}(${ALICE.group}) groups=${ALICE.gid}(${ALICE.group}),41200(crew),41201(alpha)\n`,
    );
    expect((await node.run(['id', '-Gn', 'alice'])).stdout).toBe(`${ALICE.group} crew alpha\n`);
    expect((await node.run(['id', '-u', 'root'])).stdout).toBe('0\n');
    expect(await readFile('/etc/passwd', 'utf8')).not.toContain('alice');
  });

  test('a session tells the groups of its user, the default one first', async () => {
    await using node = await login(cluster.node, { uname: ALICE.name, key: ALICE.key });
    const session = await node.newSession();
    expect(await session.text('groups')).toBe(
      `${ALICE.group}:${ALICE.gid}\ncrew:41200\nalpha:41201\n`,
    );
  });

  test("the administrator's key acts for a user", async () => {
    await using node = await login(cluster.node, { uname: ALICE.name, key: cluster.adminKey });
    expect((await node.run(['id', '-u'])).stdout).toBe(`${ALICE.uid}\n`);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['zeros as long as a signature', Buffer.alloc(256)],
    ['zeros as long as the answer to a passkey', Buffer.alloc(20)],
    ['more than any signature', Buffer.alloc(4096)],
  ])('%s is no proof', async (_, proof) => {
    const attempt = login(cluster.node, { uname: ALICE.name, proof });
    await expect(attempt).rejects.toThrow('authentication failed');
  });

  test('attaching without authentication is refused', async () => {
    for (const uname of [ALICE.name, 'xcpu-admin']) {
      using client = await connect(cluster.node);
      await expect(attach(client, { uname })).rejects.toThrow('authentication failed');
    }
    using client = await connect(cluster.node);
    await expect(attach(client, { uname: 'nobody' })).rejects.toThrow('unknown user');
  });

  test('a challenge that was not answered, or answered for another challenge, is refused', async () => {
    using client = await connect(cluster.node);
    const { name: uname, key } = ALICE;
    const afid = await auth(client, { uname });
    await expect(attach(client, { uname, afid })).rejects.toThrow('authentication failed');
    const other = await auth(client, { uname });
    await afid.write(0, signChallenge(await other.read(0, 16), key));
    await expect(attach(client, { uname, afid })).rejects.toThrow('authentication failed');
  });

  test("one user's authentication does not serve another", async () => {
    using client = await connect(cluster.node);
    const afid = await auth(client, { uname: ALICE.name });
    await afid.write(0, signChallenge(await afid.read(0, 16), ALICE.key));
    for (const uname of [BOB.name, 'xcpu-admin']) {
      await expect(attach(client, { uname, afid })).rejects.toThrow('authentication failed');
    }
    await attach(client, { uname: ALICE.name, afid });
    await attach(client, { uname: ALICE.name, afid });
  });

  test('a fid that is no authentication file is no proof', async () => {
    await using alice = await cluster.user(ALICE);
    const attempt = attach(alice.client, { uname: BOB.name, afid: alice.root });
    await expect(attempt).rejects.toThrow();
  });

  test('a user runs programs after user-add only, and none after user-del', async () => {
    await expect(cluster.user(DORA)).rejects.toThrow('unknown user');
    await cluster.addUser(DORA);
    const dora = await cluster.user(DORA);
    const session = await dora.newSession();
    const running = await dora.newSession();
    await running.start(['cat']);
    await using admin = await cluster.admin();
    await admin.nodeCtl(formatNodeCommand({ command: 'user-del', user: DORA.name }));
    await expect(dora.open('clone')).rejects.toThrow('permission denied');
    await expect(session.ctl('exec true')).rejects.toThrow();
    await expect(running.text('stdout')).rejects.toThrow('permission denied');
    await expect(dora.bytes('passkey')).rejects.toThrow('permission denied');
    await expect(attachAs(dora.client, { uname: DORA.name, key: DORA.key })).rejects.toThrow(
      'unknown user',
    );
    dora.close();
    await expect(cluster.user(DORA)).rejects.toThrow('unknown user');
  });

  test('a user who was deleted and added again does not get his old files back', async () => {
    await cluster.addUser(DORA);
    const dora = await cluster.user(DORA);
    const session = await dora.newSession();
    await using admin = await cluster.admin();
    await admin.nodeCtl(`user-del ${DORA.name}`);
    await cluster.addUser({ ...DORA, key: testKey('other_dora_key') });
    await expect(session.ctl('exec true')).rejects.toThrow();
    await expect(dora.open('clone')).rejects.toThrow('permission denied');
    dora.close();
    await admin.nodeCtl(`user-del ${DORA.name}`);
  });

  test('a deleted user who proved himself before cannot attach with the proof', async () => {
    await cluster.addUser(DORA);
    using client = await connect(cluster.node);
    const afid = await auth(client, { uname: DORA.name });
    await afid.write(0, signChallenge(await afid.read(0, 16), DORA.key));
    await using admin = await cluster.admin();
    await admin.nodeCtl(`user-del ${DORA.name}`);
    await expect(attach(client, { uname: DORA.name, afid })).rejects.toThrow('unknown user');
    await cluster.addUser(DORA);
    await expect(attach(client, { uname: DORA.name, afid })).rejects.toThrow(
      'authentication failed',
    );
    await admin.nodeCtl(`user-del ${DORA.name}`);
  });

  describe('by passkey', () => {
    let alice: NodeLogin;

    beforeAll(async () => {
      alice = await cluster.user(ALICE);
    });
    afterAll(() => alice?.close());

    const newPasskey = async () => decryptPasskey(await alice.bytes('passkey'), ALICE.key);
    const enter = (user: TestUser, passkey: string) =>
      login(cluster.node, { uname: user.name, passkey });

    test('it logs its user in, once', async () => {
      const passkey = await newPasskey();
      await using node = await enter(ALICE, passkey);
      expect((await node.run(['id', '-u'])).stdout).toBe(`${ALICE.uid}\n`);
      await expect(enter(ALICE, passkey)).rejects.toThrow('authentication failed');
    });

    test('it logs nobody else in, and is still good afterwards', async () => {
      const passkey = await newPasskey();
      await expect(enter(BOB, passkey)).rejects.toThrow('authentication failed');
      const admin = login(cluster.node, { uname: 'xcpu-admin', passkey });
      await expect(admin).rejects.toThrow('authentication failed');
      (await enter(ALICE, passkey)).close();
    });

    test('while one is outstanding no other answer is taken', async () => {
      await newPasskey();
      await expect(enter(ALICE, '0'.repeat(32))).rejects.toThrow('authentication failed');
    });

    test('every read from the beginning makes another, and several are good at a time', async () => {
      const passkeys = [await newPasskey(), await newPasskey(), await newPasskey()];
      expect(new Set(passkeys).size).toBe(3);
      for (const passkey of passkeys) (await enter(ALICE, passkey)).close();
    });

    test('it is encrypted for its reader: nobody else can decrypt it', async () => {
      const cipher = await alice.bytes('passkey');
      await expect(decryptPasskey(cipher, BOB.key)).rejects.toThrow('cannot be decrypted');
      expect(cipher).toHaveLength(256);
    });
  });
});
