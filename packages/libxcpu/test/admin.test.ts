import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NinePError } from '@xcpu/9p-protocol';
import { formatPrivateKey, formatProcessList, type ProcessEntry } from '@xcpu/xcpu-protocol';
import { afterAll, describe, expect, it } from 'vitest';
import {
  commandNodes,
  dial,
  listProcesses,
  localGroups,
  localUsers,
  readPublicKey,
  SetupError,
  UsageError,
} from '../src/index.js';
import { alice, aliceKey, ed25519Key, fakeNode, otherKey } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'xcpu-admin-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const addGroup = { command: 'group-add', group: 'staff', gid: 500 } as const;
const addUser = {
  command: 'user-add',
  user: 'bob',
  uid: 7,
  group: 'staff',
  key: otherKey.publicKey,
} as const;

describe('commandNodes', () => {
  it.each([false, true])('writes the lines that a node understands, legacy: %s', async (legacy) => {
    const node = await fakeNode({ legacy });
    expect(await commandNodes([node.target], [alice], [addGroup, addUser])).toEqual([]);
    expect(node.texts('/ctl')).toEqual([
      'group-add staff 500\n',
      `user-add bob 7 staff '${otherKey.publicKey.line.trim()}'\n`,
    ]);
  });

  it('goes on after a refusal, on the node and on the others', async () => {
    const refuses = await fakeNode({
      command: (line) => {
        if (line.startsWith('group-add')) throw new NinePError('staff:group exists');
      },
    });
    const takes = await fakeNode({}, 'n2');
    const down = { name: 'n3', host: '127.0.0.1', port: 1 };
    const targets = [refuses.target, down, takes.target];
    const failures = await commandNodes(targets, [alice], [addGroup, { command: 'user-flush' }]);
    expect(failures.map(({ error }) => error.message)).toEqual([
      'n1: staff:group exists: xgetent group shows which has that name or number',
      'n3: connection refused (127.0.0.1!1): is xcpufs running there?',
    ]);
    expect(failures[0]?.command).toBe(addGroup);
    expect(refuses.texts('/ctl')).toEqual(['group-add staff 500\n', 'user-flush\n']);
    expect(takes.texts('/ctl')).toHaveLength(2);
  });

  it('says what a node lacks that knows no keys but RSA', async () => {
    const node = await fakeNode({
      legacy: true,
      command: () => {
        throw new NinePError('invalid key type');
      },
    });
    const [failure] = await commandNodes([node.target], [alice], [addUser]);
    expect(failure?.error.message).toBe(
      'n1: invalid key type: this node knows RSA keys only, as C nodes do; give one that ssh-keygen -t rsa makes',
    );
  });

  it('sends nothing that no node could take', async () => {
    const node = await fakeNode();
    const command = { ...addGroup, group: 'a:b' };
    await expect(commandNodes([node.target], [alice], [command])).rejects.toThrow(UsageError);
    expect(node.logins).toEqual([]);
  });
});

describe('local users and groups', () => {
  const group = write('group', 'root:x:0:\nstaff:x:500:alice,bob\n# none\nbroken:x:\n');
  mkdirSync(join(folder, 'alice/.ssh'), { recursive: true });
  write('alice/.ssh/id_rsa.pub', `${aliceKey.publicKey.line}\n`);
  for (const name of ['dora', 'eve']) {
    mkdirSync(join(folder, name, '.ssh'), { recursive: true });
    write(`${name}/.ssh/id_ed25519.pub`, `${ed25519Key.publicKey.line}\n`);
  }
  write('eve/.ssh/id_rsa.pub', 'ssh-rsa AAAA\n');
  const passwd = write(
    'passwd',
    [
      `alice:x:1000:500:Alice:${folder}/alice:/bin/sh`,
      `bob:x:1001:500:No key:${folder}/bob:/bin/sh`,
      `carol:x:1002:999:No group:${folder}/alice:/bin/sh`,
      `dora:x:1003:500:Ed25519:${folder}/dora:/bin/sh`,
      `eve:x:1004:500:A damaged key, and another:${folder}/eve:/bin/sh`,
      '',
    ].join('\n'),
  );

  it('takes the groups', () => {
    expect(localGroups({ group })).toEqual([
      { command: 'group-add', group: 'root', gid: 0 },
      { command: 'group-add', group: 'staff', gid: 500 },
    ]);
  });

  it('takes the users who have a key and a group', () => {
    expect(localUsers({ passwd, group })).toMatchObject([
      { command: 'user-add', user: 'alice', uid: 1000, group: 'staff', key: { type: 'ssh-rsa' } },
      {
        command: 'user-add',
        user: 'dora',
        uid: 1003,
        group: 'staff',
        key: { type: 'ssh-ed25519' },
      },
    ]);
  });
});

describe('readPublicKey', () => {
  it.each([
    ['private', formatPrivateKey(aliceKey), /is a private key, .* give the public one, .*\.pub$/],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACB x\n', /invalid key type: expected a line .*ssh-ed25519/],
    ['a cut Ed25519', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== x\n', /: invalid key: expected/],
    ['empty', '', /invalid key: expected a line "ssh-rsa/],
  ])('refuses a key file that is %s', (name, text, reason) => {
    const file = write(name, text);
    expect(() => readPublicKey(file)).toThrow(SetupError);
    expect(() => readPublicKey(file)).toThrow(reason);
  });
});

it('lists processes', async () => {
  const entry = {
    ...Object.fromEntries(
      'ppid pgrp psid tpgid utime stime etime priority nice euid suid fsuid egid sgid fsgid vmsize rssize shsize txtsize datsize'
        .split(' ')
        .map((name) => [name, 1]),
    ),
    ...{ pid: 42, cmdline: ['sleep', '1 0'], state: 'S', tty: '??', wchan: '' },
    ...{ xcpusid: '3', xcpujid: 'job/1' },
  } as unknown as ProcessEntry;
  const node = await fakeNode({ procs: formatProcessList([entry]) });
  const connection = await dial(node.target, alice);
  expect(await listProcesses(connection)).toEqual([entry]);
  connection.close();
  const broken = await fakeNode({ procs: 'nonsense' });
  const other = await dial(broken.target, alice);
  await expect(listProcesses(other)).rejects.toMatchObject({ kind: 'protocol', node: 'n1' });
  other.close();
});
