import { Errno, OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';

describe.skipIf(lacksRoot())('the input of a program', () => {
  let cluster: Cluster;
  let node: NodeLogin;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    node = await cluster.user(ALICE);
  });
  afterAll(() => cluster?.stop());

  test('of two clients arrives write by write, that of each in its order', async () => {
    await using other = await cluster.user(ALICE);
    const session = await node.newSession();
    await session.start(['cat']);
    const output = session.text('stdout');
    const send = async (login: NodeLogin, letter: string) => {
      const fid = await login.open(session.path('stdin'), OpenMode.WRITE);
      const writes = Array.from({ length: 200 }, (_, index) =>
        fid.write(0, Buffer.from(`${letter.repeat(5000)} ${index}\n`)),
      );
      await Promise.all(writes);
      await fid.clunk();
    };
    await Promise.all([send(node, 'a'), send(other, 'b')]);
    await session.ctl('close stdin');
    const lines = (await output).trim().split('\n');
    for (const letter of ['a', 'b']) {
      expect(lines.filter((line) => line.startsWith(letter))).toEqual(
        Array.from({ length: 200 }, (_, index) => `${letter.repeat(5000)} ${index}`),
      );
    }
    await session.close();
  });

  test('written before the start is there when it starts', async () => {
    const session = await node.newSession();
    const early = session.write('stdin', 'early\n');
    await session.start(['cat']);
    await early;
    await session.write('stdin', 'late\n');
    await session.ctl('close stdin');
    expect(await session.text('stdout')).toBe('early\nlate\n');
    await session.close();
  });

  test('ends with close stdin, after all that was written', async () => {
    const session = await node.newSession();
    await session.start(['sh', '-c', 'wc -c; echo done']);
    const fid = await session.open('stdin', OpenMode.WRITE);
    const writes = [1, 2, 3, 4].map(() => fid.write(0, Buffer.alloc(100_000)));
    const closed = session.ctl('close stdin');
    await Promise.all([...writes, closed]);
    expect(await session.text('stdout')).toBe('400000\ndone\n');
    await expect(fid.write(0, Buffer.from('x'))).rejects.toMatchObject({ errno: Errno.EPIPE });
    await session.ctl('close stdin');
    await fid.clunk();
    await session.close();
  });

  test('fails with EPIPE once the program has ended, a write that waits too', async () => {
    const session = await node.newSession();
    await session.start(['sh', '-c', 'read line; echo "$line"']);
    const fid = await session.open('stdin', OpenMode.WRITE);
    const full = fid.write(0, Buffer.alloc(1_000_000, 'x'));
    const waits = fid.write(0, Buffer.from('more'));
    await expect(Promise.all([session.ctl('signal 15'), full])).rejects.toMatchObject({
      errno: Errno.EPIPE,
    });
    await expect(waits).rejects.toMatchObject({ errno: Errno.EPIPE });
    expect(await session.text('wait')).toBe('15');
    await expect(fid.write(0, Buffer.from('x'))).rejects.toMatchObject({ errno: Errno.EPIPE });
    await session.ctl('close stdin');
    await session.ctl('signal 15');
    await fid.clunk();
    await session.close();
  });

  test('of a program that does not read holds up its writers and nobody else', async () => {
    const session = await node.newSession();
    await session.start(['sleep', '1000']);
    const fid = await session.open('stdin', OpenMode.WRITE);
    const abort = new AbortController();
    const held = fid.write(0, Buffer.alloc(1_000_000));
    const flushed = fid.write(0, Buffer.from('never'), { signal: abort.signal });
    held.catch(() => {});
    abort.abort(new Error('flushed'));
    await expect(flushed).rejects.toThrow('flushed');
    expect((await node.run(['cat'], { input: 'others go on' })).stdout).toBe('others go on');
    await session.ctl('wipe');
    await expect(held).rejects.toMatchObject({ errno: Errno.EPIPE });
    await fid.clunk();
    await session.close();
  });

  test('and its output go through stdio', async () => {
    const session = await node.newSession();
    const stdio = await session.open('stdio', OpenMode.READ_WRITE);
    await session.start(['tr', 'a-z', 'A-Z']);
    await stdio.write(0, Buffer.from('both ways'));
    await session.ctl('close stdin');
    expect(String(await stdio.readAll())).toBe('BOTH WAYS');
    await stdio.clunk();
    await session.close();
  });

  test('can be opened by name, even when it has all come and been closed', async () => {
    const session = await node.newSession();
    const early = session.write('stdin', 'echo from the script\n');
    await session.start(['sh', '-c', 'read go; exec sh /dev/stdin']);
    await early;
    await session.write('stdin', 'echo second\n');
    await session.ctl('close stdin');
    expect(await session.text('stdout')).toBe('second\n');
    const empty = await node.run(['cat', '/dev/stdin']);
    expect(empty).toEqual({ status: { exitCode: 0 }, stdout: '', stderr: '' });
    await session.close();
  });
});
