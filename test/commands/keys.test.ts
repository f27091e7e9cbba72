import { execFile } from 'node:child_process';
import { chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LegacyServer } from '../legacy/legacy-server.js';
import { programFor } from '../legacy/programs.js';
import { login } from '../support/client.js';
import { ALICE, Cluster, startDaemon } from '../support/cluster.js';
import { type CommandOptions, runCommand } from '../support/command.js';
import { testKey } from '../support/keys.js';
import { isRoot } from '../support/needs.js';

/** What ssh-keygen is asked for, by the name of the key file; `PEM` and its own format, as people have them. */
const KINDS = {
  'rsa-pem': ['-t', 'rsa', '-b', '2048', '-m', 'PEM'],
  'rsa-openssh': ['-t', 'rsa', '-b', '3072'],
  ed25519: ['-t', 'ed25519'],
  'ed25519-pkcs8': ['-t', 'ed25519', '-m', 'PKCS8'],
  'ecdsa256-pem': ['-t', 'ecdsa', '-b', '256', '-m', 'PEM'],
  'ecdsa256-openssh': ['-t', 'ecdsa', '-b', '256'],
  'ecdsa384-openssh': ['-t', 'ecdsa', '-b', '384'],
  'ecdsa384-pkcs8': ['-t', 'ecdsa', '-b', '384', '-m', 'PKCS8'],
  'ecdsa521-openssh': ['-t', 'ecdsa', '-b', '521'],
  'ecdsa521-pem': ['-t', 'ecdsa', '-b', '521', '-m', 'PEM'],
} as const;
type Kind = keyof typeof KINDS;
const ALL = Object.keys(KINDS) as Kind[];

describe('keys of every type', () => {
  let cluster: Cluster;
  let node: string;
  let keys: string;
  const extra: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start(1);
    node = cluster.node.name;
    keys = join(cluster.directory, 'users-keys');
    await mkdir(keys, { mode: 0o755 });
    for (const kind of ALL) await makeKey(kind, ...KINDS[kind]);
    await admin('xgroupset', node, ALICE.group, String(ALICE.gid));
  });
  afterAll(async () => {
    await Promise.all(extra.map((each) => each.stop()));
    await cluster?.stop();
  });

  const file = (kind: string) => join(keys, kind);
  const makeKey = async (name: string, ...args: string[]) => {
    const common = ['-q', '-C', `${name} key`, '-f', file(name)];
    const passphrase = args.includes('-N') ? [] : ['-N', ''];
    await promisify(execFile)('ssh-keygen', [...common, ...passphrase, ...args]);
    if (isRoot) await chown(file(name), ALICE.uid, ALICE.gid);
  };
  const run = (name: string, args: readonly string[], options: CommandOptions = {}) =>
    runCommand(name, args, {
      ...options,
      env: { XCPU_ADMIN_KEY: cluster.adminFiles.privateFile, ...options.env },
    });
  const admin = async (name: string, ...args: string[]) => {
    expect(await run(name, args)).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  };
  /** The real user runs it, who may read no key but his own. */
  const asAlice = (args: readonly string[], options: CommandOptions = {}) =>
    run('xrx', args, { ...options, ...(isRoot && { uid: ALICE.uid, gid: ALICE.gid }) });
  const addAlice = async (kind: string) => {
    await admin('xuserset', 'flush', node);
    await admin(
      ...([
        'xuserset',
        node,
        'alice',
        String(ALICE.uid),
        ALICE.group,
        `${file(kind)}.pub`,
      ] as const),
    );
  };

  test.each(ALL)('a user logs in with his key: %s', async (kind) => {
    await addAlice(kind);
    const key = ['--user', 'alice', '-k', file(kind)];
    expect(await asAlice([...key, '-l', node, 'echo', 'in'])).toMatchObject({
      status: 0,
      stdout: 'in\n',
      stderr: '',
    });
  });

  test.each(ALL)('another key is refused where he has this one: %s', async (kind) => {
    await addAlice(kind);
    const at = ALL.indexOf(kind);
    for (const other of [ALL[(at + 1) % ALL.length]!, ALL[(at + 5) % ALL.length]!]) {
      const result = await asAlice(['--user', 'alice', '-k', file(other), '-l', node, 'true']);
      expect(result).toMatchObject({
        status: 254,
        stdout: '',
        stderr: `xrx: ${node}: authentication failed for alice: is ${file(other)} the right key?\n`,
      });
    }
  });

  test('without -k it is the first of id_rsa, id_ed25519 and id_ecdsa; a refusal names it', async () => {
    const home = join(cluster.directory, 'home');
    const ssh = join(home, '.ssh');
    await mkdir(ssh, { recursive: true });
    const args = ['--user', 'alice', '-l', node, 'echo', 'in'];
    const env = { HOME: home };
    const place = async (kind: Kind, name: string) => {
      await promisify(execFile)('cp', ['-p', file(kind), join(ssh, name)]);
    };
    await addAlice('ecdsa256-openssh');
    await place('ecdsa256-openssh', 'id_ecdsa');
    expect(await asAlice(args, { env })).toMatchObject({ status: 0, stdout: 'in\n', stderr: '' });
    await place('ed25519', 'id_ed25519');
    expect(await asAlice(args, { env })).toMatchObject({
      status: 254,
      stderr: `xrx: ${node}: authentication failed for alice: is ${ssh}/id_ed25519 the right key? -k names another\n`,
    });
    await addAlice('ed25519');
    expect(await asAlice(args, { env })).toMatchObject({ status: 0, stdout: 'in\n' });
    await makeKey('secret', '-t', 'rsa', '-N', 'passphrase');
    await promisify(execFile)('cp', ['-p', file('secret'), join(ssh, 'id_rsa')]);
    expect(await asAlice(args, { env })).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /^xrx: \S+id_rsa: the private key is encrypted with a passphrase; remove it from a copy with ssh-keygen -p; -k names another\n/,
      ),
    });
    await rm(home, { recursive: true });
  });

  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['ecdsa384', ['-t', 'ecdsa', '-b', '384']],
    ['rsa', ['-t', 'rsa', '-m', 'PEM']],
  ])('a key with a passphrase is refused: %s', async (type, args) => {
    const name = `secret-${type}`;
    await makeKey(name, ...args, '-N', 'secret');
    expect(await asAlice(['--user', 'alice', '-k', file(name), '-l', node, 'true'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        `${file(name)}: the private key is encrypted with a passphrase`,
      ),
    });
  });

  test.each(['ed25519', 'ecdsa256-pem', 'ecdsa521-openssh', 'rsa-openssh'] as const)(
    'the administrator has one of these: %s',
    async (kind) => {
      const temporary = join(cluster.directory, `admin-${kind}`);
      await mkdir(temporary);
      const args = ['-a', `${file(kind)}.pub`, ...(isRoot ? [] : ['-s'])];
      const daemon = await startDaemon({ host: '127.0.1.68', temporary, args });
      extra.push(daemon);
      await admin('xgroupset', '-A', file(kind), daemon.name, ALICE.group, String(ALICE.gid));
      const add = [daemon.name, 'alice', String(ALICE.uid), ALICE.group, `${file('ed25519')}.pub`];
      await admin('xuserset', '-A', file(kind), ...add);
      // He acts for any user, and nobody else does.
      const shown = await run('xrx', [
        '--user',
        'alice',
        '-k',
        file(kind),
        '-l',
        daemon.name,
        'true',
      ]);
      expect(shown).toMatchObject({ status: 0, stderr: '' });
      const other = ALL.find((each) => each !== kind && each !== 'ed25519')!;
      const refused = await run('xgroupset', [
        '-A',
        file(other),
        '--user',
        'xcpu-admin',
        daemon.name,
        'x',
        '1',
      ]);
      expect(refused).toMatchObject({ status: 1 });
      expect(refused.stderr).toContain(
        `authentication failed for xcpu-admin: is ${file(other)} the`,
      );
      await daemon.stop();
    },
  );

  test('passkeys are for users with RSA keys; others are told so', async () => {
    await addAlice('ed25519');
    await using alice = await login(cluster.node, { uname: 'alice', key: testKey('admin_key') });
    await expect(alice.bytes('passkey')).rejects.toThrow(
      'passkeys are for users with RSA keys, and this key is ssh-ed25519',
    );
    await addAlice('rsa-openssh');
    await using again = await login(cluster.node, { uname: 'alice', key: testKey('admin_key') });
    expect(await again.bytes('passkey')).toHaveLength(384);
  });

  test.each([
    ['a certificate', 'ssh-ed25519-cert-v01@openssh.com AAAA x', 'invalid key type'],
    ['DSA', 'ssh-dss AAAA x', 'invalid key type'],
    [
      'a point off its curve',
      `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA${'IC'.repeat(21)} x`,
      'invalid key',
    ],
    ['cut short', 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= x', 'invalid key'],
  ])('a node refuses a key: %s', async (_, line, reason) => {
    await using node = await cluster.admin();
    await expect(node.nodeCtl(`user-add eve 4242 ${ALICE.group} '${line}'`)).rejects.toThrow(
      new RegExp(`^${reason}$`),
    );
    expect(await node.text('pwent')).not.toContain('eve');
  });

  test('a node of the C programs takes RSA keys only, and it is said', async () => {
    const start = async () => {
      const legacy = await LegacyServer.start({
        host: '127.0.1.68',
        adminKey: cluster.adminKey.publicKey,
        programs: programFor,
      });
      extra.push(legacy);
      legacy.users.write('group-add xgrp 500\n');
      return legacy.name;
    };
    const added = (name: string) => [name, 'alice', '7', 'xgrp'];
    const first = await start();
    expect(await run('xuserset', [...added(first), `${file('ed25519')}.pub`])).toMatchObject({
      status: 1,
      stderr: `xuserset: ${first}: invalid key type: this node knows RSA keys only, as C nodes do; give one that ssh-keygen -t rsa makes\n`,
    });
    // Such a node takes no command any more after one that failed.
    const second = await start();
    await admin('xuserset', ...added(second), `${file('rsa-pem')}.pub`);
    const refused = await asAlice(['--user', 'alice', '-k', file('ed25519'), '-l', second, 'true']);
    expect(refused).toMatchObject({
      status: 254,
      stderr: `xrx: ${second}: authentication failed for alice: C nodes know RSA keys only, and ${file('ed25519')} is ssh-ed25519; name one with -k or -A\n`,
    });
    const rsa = await asAlice([
      '--user',
      'alice',
      '-k',
      file('rsa-pem'),
      '-l',
      second,
      '/bin/true',
    ]);
    expect(rsa).toMatchObject({ status: 0, stderr: '' });
  });
});
