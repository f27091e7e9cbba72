import type { OpenFile, Request } from '@xcpu/9p-protocol/server';
import { fingerprint, parseNodeLoad } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import type { Sessions } from '../../src/session/sessions.js';
import { NodeSettings } from '../../src/state/settings.js';
import type { Caller } from '../../src/tree/caller.js';
import type { NodeFile } from '../../src/tree/node-file.js';
import { type Node, RootDirectory } from '../../src/tree/root-directory.js';
import { Passkeys } from '../../src/users/passkeys.js';
import { addUser, callerOf, makeTable, request, testKey, textOf } from '../support.js';

describe('the root', () => {
  it('takes a state that fits on a line of statfs, and says why it takes no other', async () => {
    const { find, admin } = setUp();
    const opened = find('state').open(2, admin) as OpenFile<Caller>;
    opened.write!(0, Buffer.from('up\n'), admin);
    expect(await textOf(opened.read!(0, 100, admin))).toBe('up');
    for (const text of ['a\tb', 'x'.repeat(100)]) {
      expect(() => opened.write!(0, Buffer.from(text), admin)).toThrow(
        expect.objectContaining({ ename: expect.stringContaining('invalid state'), errno: 5 }),
      );
    }
    expect(await textOf(opened.read!(0, 100, admin))).toBe('up');
  });

  it('tells how busy the node is, anew whenever it is read from the beginning', async () => {
    const { find, ann } = setUp();
    const opened = (await find('load').open(0, ann)) as OpenFile<Caller>;
    const text = await textOf(opened.read!(0, 1000, ann));
    const names = text.match(/^\w+(?= [\d.]+$)/gm);
    expect(names).toEqual(expect.arrayContaining(['load1', 'cpus', 'memtotal', 'uptime']));
    expect(await textOf(opened.read!(6, 1000, ann))).toBe(text.slice(6));
    expect(await textOf(opened.read!(text.length, 1000, ann))).toBe('');
    expect(parseNodeLoad(await textOf(opened.read!(0, 1000, ann))).memtotal).toBeGreaterThan(
      2 ** 20,
    );
  });

  it('shows whose key is which, and no key', async () => {
    const { find, admin, ann } = setUp();
    expect(() => find('keys').open(0, ann)).toThrow('permission denied');
    const opened = (await find('keys').open(0, admin)) as OpenFile<Caller>;
    const text = await textOf(opened.read!(0, 10_000, admin));
    const prints = ['admin', 'ann', 'bob'].map((name) => fingerprint(testKey(name).publicKey));
    expect(text).toBe(`xcpu-admin:${prints[0]}\nann:${prints[1]}\nbob:${prints[2]}\n`);
  });

  it.each([
    'clone',
    'ctl',
    'arch',
    'env',
    'ns',
    'procs',
    'state',
    'load',
    'passkey',
    'pwent',
    'grent',
    'keys',
  ])('lets the administrator give %s to another user, group and mode, and nobody else', (name) => {
    const { find, admin, ann } = setUp();
    const file = find(name);
    expect(() => file.wstat({ mode: 0o777 }, ann)).toThrow('permission denied');
    file.wstat({ uid: 'ann', nGid: 1, mode: 0o4600 }, admin);
    expect(file.stat(admin)).toMatchObject({ uid: 'ann', nUid: 1, gid: 'anns', mode: 0o600 });
    expect(() => file.wstat({ uid: 'stranger' }, admin)).toThrow('unknown user');
    expect(() => file.wstat({ gid: 'strangers' }, admin)).toThrow('permission denied');
    expect(() => file.wstat({ name: 'other' }, admin)).toThrow('permission denied');
    expect(() => file.wstat({ uid: 'bob', name: 'other' }, admin)).toThrow('permission denied');
    expect(file.stat(admin).uid).toBe('ann');
  });

  it('shows files as they were when they were saved', async () => {
    const settings = new NodeSettings();
    settings.setText('ns', Buffer.from('tmpfs /tmp\n'));
    settings.setAccess({ name: 'clone', mode: 0o400, uid: 'ann', nUid: 1, gid: 'anns', nGid: 1 });
    const { find, admin, ann } = setUp({ settings });
    expect(find('clone').stat(admin)).toMatchObject({ uid: 'ann', mode: 0o400 });
    const ns = (await find('ns').open(0, ann)) as OpenFile<Caller>;
    expect(await textOf(ns.read!(0, 100, ann))).toBe('tmpfs /tmp\n');
  });

  it('answers changes when they are saved', async () => {
    const settings = new NodeSettings();
    const saved: number[] = [];
    const save = async () => void saved.push(settings.version);
    const { find, admin } = setUp({ settings, saved: save });
    await find('clone').wstat({ mode: 0o400 }, admin);
    const env = (await find('env').open(0x11, admin)) as OpenFile<Caller>;
    expect(await env.write!(0, Buffer.from('A=1\n'), admin)).toBe(4);
    const state = (await find('state').open(1, admin)) as OpenFile<Caller>;
    await state.write!(0, Buffer.from('up'), admin);
    expect(saved).toEqual([1, 2, 3, 4]);
    expect(settings.text('state').toString()).toBe('up');
  });
});

function setUp(changes: Partial<Node> = {}) {
  const users = makeTable();
  const ann = addUser(users, 'ann', 1);
  addUser(users, 'bob', 2);
  const root = new RootDirectory({
    users,
    passkeys: new Passkeys(),
    sessions: { get: () => undefined } as unknown as Sessions,
    settings: new NodeSettings(),
    saved: () => {},
    arch: '/Linux/x86_64',
    processes: async () => '',
    ...changes,
  });
  const admin = request(callerOf(users, users.admin)) as Request<Caller>;
  const find = (name: string) => root.find(name, admin) as NodeFile;
  return { find, admin, ann: request(callerOf(users, ann)) as Request<Caller> };
}
