import { createServer, type Server, type Socket } from 'node:net';
import { signChallenge, signChallengeInThread, verifySignature } from '@xcpu/xcpu-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { dial, dialAs, type NodeTarget } from '../../src/index.js';
import { alice, aliceKey, ed25519Key, fakeNode, otherKey } from '../support.js';

const servers: { server: Server; sockets: Socket[] }[] = [];
afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

/** A port whose listener does what the test wants with connections. */
async function listener(accept: (socket: Socket) => void): Promise<NodeTarget> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({ server, sockets });
  const { port } = server.address() as { port: number };
  return { name: 'n7', host: '127.0.0.1', port };
}

describe.each([{ legacy: false }, { legacy: true }])('dial, legacy: $legacy', ({ legacy }) => {
  it('logs in with a key, by name alone', async () => {
    const node = await fakeNode({ legacy });
    const connection = await dial(node.target, alice);
    expect(connection.legacy).toBe(legacy);
    expect(node.logins).toEqual([{ user: 'alice', uid: undefined }]);
    connection.close();
  });

  it('logs in with a key that is not RSA', async () => {
    const node = await fakeNode({ legacy, users: { alice: ed25519Key.publicKey } });
    const key = { file: 'id_ed25519', privateKey: ed25519Key };
    (await dial(node.target, { user: 'alice', key })).close();
    expect(node.logins).toHaveLength(1);
  });

  it('enters a node that asks for no proof', async () => {
    const node = await fakeNode({ legacy, users: undefined as never });
    const connection = await dial(node.target, { user: 'x', key: undefined });
    expect(connection.root.qid.type).toBe(0x80);
    connection.close();
  });

  it.each([
    [
      'the wrong key',
      { key: { file: 'other_key', privateKey: otherKey } },
      'n1: authentication failed for alice: is other_key the right key?',
    ],
    [
      'the wrong key, which nobody named',
      { key: { file: 'id_rsa', privateKey: otherKey, found: true as const } },
      'n1: authentication failed for alice: is id_rsa the right key? -k names another',
    ],
    [
      'a key of a type that C nodes do not know',
      { key: { file: 'id_ed25519', privateKey: ed25519Key } },
      legacy
        ? 'n1: authentication failed for alice: C nodes know RSA keys only, and id_ed25519 is ssh-ed25519; name one with -k or -A'
        : 'n1: authentication failed for alice: is id_ed25519 the right key?',
    ],
    [
      'no key',
      { key: undefined },
      'n1: authentication failed for alice: no key was found; name one with -k or -A',
    ],
    [
      'an unknown name',
      { user: 'eve' },
      'n1: unknown user: the node does not know eve; an administrator adds users with xuserset',
    ],
    [
      "no administrator's key",
      { user: 'eve', adminKeyMissing: true as const },
      "n1: unknown user eve: no administrator's key was found; name one with -A or $XCPU_ADMIN_KEY",
    ],
  ])('says what is wrong with %s', async (_, changes, message) => {
    const node = await fakeNode({ legacy });
    await expect(dial(node.target, { ...alice, ...changes })).rejects.toMatchObject({
      kind: 'refused',
      message,
    });
  });
});

it('gives up in time on a node that accepts and says nothing', async () => {
  const target = await listener(() => {});
  await expect(dial(target, alice, { connectTimeout: 30 })).rejects.toMatchObject({
    kind: 'timeout',
    message: `n7: no answer within 0.03 s (127.0.0.1!${target.port}): is the node up and the port open?`,
  });
});

it("gives up with the caller's reason", async () => {
  const target = await listener(() => {});
  const controller = new AbortController();
  const dialled = dial(target, alice, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(dialled).rejects.toThrow('enough');
});

it('tells a port where something else answers', async () => {
  const target = await listener((socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'));
  await expect(dial(target, alice)).rejects.toMatchObject({
    kind: 'protocol',
    message: expect.stringMatching(/^n7: .*: is this xcpufs/),
  });
});

it('tells a node that hangs up', async () => {
  const target = await listener((socket) => socket.end());
  await expect(dial(target, alice)).rejects.toMatchObject({
    kind: 'lost',
    message: `n7: connection closed (127.0.0.1!${target.port}): is xcpufs running there?`,
  });
});

it('names an unknown host', async () => {
  const target = { name: 'n9', host: 'n9.invalid', port: 6668 };
  await expect(dial(target, alice)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('n9.invalid'),
  });
  const own = { ...target, name: 'n9.invalid' };
  await expect(dial(own, alice)).rejects.toMatchObject({
    message: expect.stringMatching(/^n9\.invalid: (?!.*n9\.invalid)/),
  });
});

describe('dialAs', () => {
  const eve = { ...alice, user: 'eve' };

  it('tries the next log-in when one is refused', async () => {
    const node = await fakeNode();
    (await dialAs(node.target, [eve, alice])).close();
    expect(node.logins.map(({ user }) => user)).toEqual(['eve', 'alice']);
  });

  it('tells what the first was told', async () => {
    const node = await fakeNode();
    const wrong = { ...alice, key: { file: 'k', privateKey: otherKey } };
    await expect(dialAs(node.target, [eve, wrong])).rejects.toThrow('does not know eve');
  });
});

it('proves what signChallenge proves, and signs nothing but challenges', async () => {
  const challenge = Buffer.alloc(16, 7);
  const proof = await signChallengeInThread(challenge, aliceKey);
  expect(Buffer.from(proof)).toEqual(signChallenge(challenge, aliceKey));
  expect(verifySignature(challenge, proof, aliceKey.publicKey)).toBe(true);
  await expect(signChallengeInThread(Buffer.alloc(20), aliceKey)).rejects.toThrow('20 bytes');
});
