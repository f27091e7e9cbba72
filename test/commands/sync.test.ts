import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publicKeyFrom } from '@xcpu/xcpu-protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LegacyServer } from '../legacy/legacy-server.js';
import { programFor } from '../legacy/programs.js';
import { ALICE, BOB, type Daemon, startDaemon } from '../support/cluster.js';
import type { CommandOptions } from '../support/command.js';
import { startCommand } from '../support/command.js';
import { testKey } from '../support/keys.js';
import { Relay } from '../support/relay.js';
import { Site } from '../support/site.js';
import { eventually } from '../support/wait.js';

/** Enough users for several writes of the daemons' small messages. */
const MANY = 1000;
const SMALL_MESSAGES = ['-m', '65536'];

const otherKey = testKey('other_key');
const GROUPS = 'alices 41100\nbobs 41101\ncrew:x:41200:alice,bob\n';
const USERS = `# name uid groups key
alice ${ALICE.uid} alices,crew keys/alice_key.pub
bob:${BOB.uid}:bobs:${BOB.key.line}
`;
const TABLE = [`alice:${ALICE.uid}:41100:alices,crew`, `bob:${BOB.uid}:41101:bobs`];

/** A key that no historic node takes. */
const ED25519 = publicKeyFrom(generateKeyPairSync('ed25519').publicKey).line;

let site: Site;

beforeAll(async () => {
  site = await Site.start(3, { users: [], args: SMALL_MESSAGES });
});
afterAll(() => site?.stop());
beforeEach(async () => {
  expect(await site.run('xgroupset', ['flush', site.nodes])).toMatchObject({ status: 0 });
});

/** Runs a command with that text as the file. */
async function from(
  name: 'xuserset' | 'xgroupset',
  text: string,
  args: readonly string[],
  options: CommandOptions = {},
) {
  const file = await write(`${name}.txt`, text);
  const { status, stdout, stderr } = await site.run(name, ['--from', file, ...args], options);
  expect(stderr).not.toMatch(/^\s+at /m);
  return { status, stdout, stderr };
}

const ok = (stdout: string) => ({ status: 0, stdout, stderr: '' });

/** A file beside the folder `keys`. */
async function write(name: string, text: string): Promise<string> {
  const file = join(site.cluster.directory, name);
  await writeFile(file, text);
  return file;
}

/** The users of a node but for its own, in order. */
async function users(node: Daemon = site.cluster.node): Promise<string[]> {
  await using admin = await site.cluster.admin(node);
  const lines = (await admin.text('pwent')).trimEnd().split('\n');
  return lines.filter((line) => !/^(nobody|xcpu-admin):/.test(line)).sort();
}

async function allUsers(): Promise<string[]> {
  const [first, ...others] = await Promise.all(site.cluster.nodes.map(users));
  for (const other of others) expect(other).toEqual(first);
  return first!;
}

async function groupsThere(): Promise<void> {
  expect(await from('xgroupset', GROUPS, [site.nodes])).toEqual(
    ok('n[1-3]: +alices +bobs +crew\n'),
  );
}

describe('xgroupset and xuserset --from', () => {
  test('make nodes what the files say, and change nothing the second time', async () => {
    await groupsThere();
    expect(await from('xgroupset', GROUPS, ['--sync', site.nodes])).toEqual(
      ok('n[1-3]: unchanged\n'),
    );
    expect(await from('xuserset', USERS, ['add', site.nodes])).toEqual(ok('n[1-3]: +alice +bob\n'));
    expect(await allUsers()).toEqual(TABLE);
    for (const options of [[], ['--sync'], ['--sync', '--dry-run']]) {
      expect(await from('xuserset', USERS, [...options, site.nodes])).toEqual(
        ok('n[1-3]: unchanged\n'),
      );
    }
    expect((await site.xrx(['-l', 'n1', 'true'])).status).toBe(0);
  });

  test('read standard input, with keys from the working directory and the home', async () => {
    await groupsThere();
    const home = site.cluster.directory;
    await mkdir(join(home, 'mine'), { recursive: true });
    await cp(join(home, 'keys/bob_key.pub'), join(home, 'mine/bob.pub'));
    const input = 'alice 41001 alices keys/alice_key.pub\nbob 41002 bobs ~/mine/bob.pub\n';
    const options = { input, cwd: home, env: { HOME: home } };
    expect(await site.run('xuserset', ['--from', '-', 'n1'], options)).toMatchObject(
      ok('n1: +alice +bob\n'),
    );
  });

  test('say per node what they change, and with --dry-run change nothing', async () => {
    await groupsThere();
    await from('xuserset', USERS, [site.nodes]);
    const alice = join(site.cluster.directory, 'keys/alice_key.pub');
    await site.run('xuserset', ['n2', 'carol', '41003', 'crew', alice]);
    await site.run('xuserset', ['delete', 'n3', 'bob']);
    const wanted = `alice ${ALICE.uid} alices ${otherKey.line}\nbob 41009 bobs,crew ${BOB.key.line}\n`;
    const before = await Promise.all(site.cluster.nodes.map(users));
    const said = [
      'n1: ~alice (key, -crew) ~bob (uid 41002 to 41009, +crew)',
      'n2: ~alice (key, -crew) ~bob (uid 41002 to 41009, +crew) -carol',
      'n3: +bob ~alice (key, -crew)',
    ];
    const would = said.map((line) => `${line.replace(': ', ': would change: ')}\n`).join('');
    expect(await from('xuserset', wanted, ['--sync', '--dry-run', site.nodes])).toEqual(ok(would));
    expect(await Promise.all(site.cluster.nodes.map(users))).toEqual(before);
    const done = said.map((line) => `${line}\n`).join('');
    expect(await from('xuserset', wanted, ['--sync', site.nodes])).toEqual(ok(done));
    expect(await allUsers()).toEqual(['alice:41001:41100:alices', 'bob:41009:41101:bobs,crew']);
    expect(await from('xuserset', wanted, ['--sync', site.nodes])).toEqual(
      ok('n[1-3]: unchanged\n'),
    );
  });

  test('without --sync report what a node has otherwise, and add the rest', async () => {
    await groupsThere();
    await from('xuserset', `alice 41001 alices ${otherKey.line}\n`, ['n[1-2]']);
    expect(await from('xuserset', USERS, [site.nodes])).toEqual({
      status: 1,
      stdout: 'n[1-2]: +bob\nn3: +alice +bob\n',
      stderr:
        'xuserset: n[1-2]: alice has another key, unlike xuserset.txt:2; --sync changes that\n',
    });
    const groups = 'alices 41100\ncrew 41299\nmore 41300\n';
    expect(await from('xgroupset', groups, ['n1'])).toEqual({
      status: 1,
      stdout: 'n1: +more\n',
      stderr: 'xgroupset: n1: crew has gid 41200, unlike xgroupset.txt:2; --sync changes that\n',
    });
  });

  test('remove groups with the memberships in them, but none that users need', async () => {
    await groupsThere();
    await from('xuserset', USERS, ['n1']);
    expect(await from('xgroupset', 'alices 41100\n', ['--sync', 'n1'])).toEqual({
      status: 1,
      stdout: 'n1: -crew\n',
      stderr:
        'xgroupset: n1: bobs is not in xgroupset.txt, but stays: it is the default group of bob; delete or change such users first\n',
    });
    expect(await users()).toEqual(['alice:41001:41100:alices', TABLE[1]]);
  });

  test('touch no node before the whole file is right', async () => {
    await groupsThere();
    const faulty = `${USERS}carol x crew keys/alice_key.pub\ndora 7 crew keys/none.pub\nalice 8 crew keys/alice_key.pub\n`;
    const { status, stdout, stderr } = await from('xuserset', faulty, ['--sync', site.nodes]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^xuserset: xuserset\.txt:4: UID x: a number is wanted/),
      expect.stringMatching(/^xuserset: xuserset\.txt:5: cannot read the key file .*none\.pub/),
      'xuserset: xuserset.txt:6: alice is in line 2 already',
    ]);
    expect(await allUsers()).toEqual([]);
  });

  test('name the groups that are missing, and the command that adds them', async () => {
    await site.run('xgroupset', [site.nodes, 'alices', '41100']);
    await site.run('xgroupset', ['n3', 'bobs', '41101']);
    await site.run('xgroupset', ['n3', 'crew', '41200']);
    expect(await from('xuserset', USERS, ['--sync', site.nodes])).toEqual({
      status: 1,
      stdout: 'n3: +alice +bob\n',
      stderr: `xuserset: n[1-2]: nothing done, as there is no group crew (xuserset.txt:2); first: xgroupset 'n[1-2]' crew GID
xuserset: n[1-2]: nothing done, as there is no group bobs (xuserset.txt:3); first: xgroupset 'n[1-2]' bobs GID
`,
    });
  });

  test('go on where a node is down', async () => {
    const { status, stdout, stderr } = await from('xgroupset', GROUPS, ['n[1-3],127.0.1.30!1']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'n[1-3]: +alices +bobs +crew\n' });
    expect(stderr).toMatch(/^xgroupset: 127\.0\.1\.30!1: connection refused .*\n$/);
  });

  test('leave the user who is logged in, and the nodes’ own', async () => {
    await groupsThere();
    await from('xuserset', USERS, ['n1']);
    await site.run('xuserset', ['addgroup', 'n1', 'alice', 'xcpu-admin']);
    const key = join(site.cluster.directory, 'keys/alice_key');
    const login = ['-A', key, '--user', 'alice', 'n1'];
    expect(
      await from('xuserset', `carol 41003 crew ${otherKey.line}\n`, ['--sync', ...login]),
    ).toEqual({
      status: 1,
      stdout: 'n1: +carol -bob\n',
      stderr:
        'xuserset: n1: alice is not in xuserset.txt, but stays: you are logged in as this user\n',
    });
    expect(await users()).toEqual([
      'alice:41001:41100:alices,crew,xcpu-admin',
      'carol:41003:41200:crew',
    ]);
  });

  test('give a user another key while his programs run', async () => {
    await groupsThere();
    await from('xuserset', USERS, ['n1']);
    const job = site.startXrx(['-l', 'n1', 'sh', '-c', 'echo ready; cat']);
    await job.printed('ready');
    const wanted = `alice 41001 alices,crew ${otherKey.line}\n`;
    expect(await from('xuserset', wanted, ['n1', '--sync'])).toEqual(ok('n1: ~alice (key) -bob\n'));
    job.child.stdin.end('still here\n');
    expect(await job.result).toMatchObject({ status: 0, stdout: 'ready\nstill here\n' });
    const refused = await site.xrx(['-l', 'n1', 'true']);
    expect(refused.status).toBe(254);
    expect(refused.stderr).toMatch(/authentication failed/);
  });

  test.each([
    [['--sync', 'n1'], /--sync wants a file/],
    [['--dry-run', 'n1'], /--dry-run wants a file/],
    [['delete', '--from', 'FILE', 'n1'], /--from does not go with delete/],
    [['-u', '--from', 'FILE', 'n1'], /--from and -u/],
    [['--from', 'FILE', 'n1', 'alice'], /too many operands; wanted: NODES/],
    [['--from', 'FILE'], /NODES is missing/],
    [['--from', '/no/such/file', 'n1'], /cannot read \/no\/such\/file: no such file/],
    [['--from', '/dev/null', '--sync', 'n1'], /null is empty, and --sync would remove everything/],
  ])('%j is wrong usage: 2', async (args, reason) => {
    const file = await write('users.txt', USERS);
    const given = args.map((arg) => (arg === 'FILE' ? file : arg));
    const { status, stdout, stderr } = await site.run('xuserset', given);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(reason);
  });
});

describe('--sync that breaks off in the middle', () => {
  const names = Array.from({ length: MANY }, (_, index) => `user${String(index).padStart(4, '0')}`);
  const manyUsers = names
    .map((name, index) => `${name} ${50_000 + index} crew,bobs ${BOB.key.line}\n`)
    .join('');
  const added = names.map((name) => `+${name}`).join(' ');
  let relay: Relay | undefined;

  afterEach(() => relay?.stop());

  /** Half of what there is to say is said, then that happens. */
  const interrupted = async (reached: () => void) => {
    relay = await Relay.start('127.0.1.60', site.cluster.node, manyUsers.length / 2, reached);
    return relay.name;
  };

  test('leaves a node in order when the command is killed, and a repetition finishes', async () => {
    await groupsThere();
    const file = await write('many.txt', manyUsers);
    const killed = () => void command.child.kill('SIGKILL');
    const through = await interrupted(killed);
    const command = startCommand('xuserset', ['--from', file, '--sync', through], {
      env: { XCPU_ADMIN_KEY: site.cluster.adminFiles.privateFile },
    });
    expect(await command.result).toMatchObject({ signal: 'SIGKILL' });
    await eventually('some users', async () => (await users()).length > 0);
    const { status, stdout, stderr } = await from('xuserset', manyUsers, ['--sync', site.nodes]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [first = '', ...others] = stdout.trimEnd().split('\n');
    expect(others).toEqual([`n[2-3]: ${added}`]);
    // What is there already is not told again.
    const left = first.match(/\+user/g)?.length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(MANY);
    expect(await allUsers()).toHaveLength(MANY);
    expect(await from('xuserset', manyUsers, ['--sync', site.nodes])).toEqual(
      ok('n[1-3]: unchanged\n'),
    );
  });

  test('fails on the node whose daemon is killed alone, and a repetition finishes', async () => {
    await groupsThere();
    const [, two] = site.cluster.nodes;
    const node = site.cluster.node;
    const state = join(site.cluster.directory, 'state');
    await mkdir(state);
    const args = [
      '-a',
      site.cluster.adminFiles.publicFile,
      '--state-dir',
      state,
      ...SMALL_MESSAGES,
    ];
    const spare = await startDaemon({ host: node.host, temporary: node.temporary, args });
    const start = { host: spare.host, port: spare.port };
    const again: Daemon[] = [];
    try {
      relay = await Relay.start('127.0.1.60', start, manyUsers.length / 2, () => {
        void spare.crash();
      });
      await site.run('xgroupset', [spare.name, 'crew', '41200']);
      await site.run('xgroupset', [spare.name, 'bobs', '41101']);
      const { status, stdout, stderr } = await from('xuserset', manyUsers, [
        '--sync',
        `${relay.name},n2`,
      ]);
      expect({ status, stdout }).toEqual({ status: 1, stdout: `n2: ${added}\n` });
      expect(stderr).toMatch(
        /^xuserset: 127\.0\.1\.60!\d+: .*Some of it may be done: run this again for the rest\.\n$/,
      );
      again.push(await startDaemon({ ...start, temporary: node.temporary, args }));
      const both = `${spare.name},n2`;
      await from('xgroupset', GROUPS, ['--sync', both]);
      const repeated = await from('xuserset', manyUsers, ['--sync', both]);
      expect(repeated).toMatchObject({ status: 0, stderr: '' });
      // What the daemon had kept of the first half is not told again.
      expect(repeated.stdout).toMatch(/user0999\nn2: unchanged\n$/);
      expect(await users(again[0])).toEqual(await users(two));
    } finally {
      await Promise.all([spare, ...again].map((daemon) => daemon.stop()));
    }
  });
});

describe('a legacy node', () => {
  let server: LegacyServer;

  beforeEach(async () => {
    server = await LegacyServer.start({
      host: '127.0.1.61',
      adminKey: site.cluster.adminKey.publicKey,
      programs: programFor,
    });
  });
  afterEach(() => server.stop());

  test('is told one command at a time, and its keys are not compared', async () => {
    await groupsThere();
    const nodes = `${server.name},n1`;
    expect(await from('xgroupset', GROUPS, ['--sync', nodes])).toEqual(
      ok(`${server.name}: +alices +bobs +crew\nn1: unchanged\n`),
    );
    expect(await from('xuserset', USERS, ['--sync', nodes])).toEqual(
      ok(`${server.name},n1: +alice +bob\n`),
    );
    const wanted = USERS.replace(`bob:${BOB.uid}`, 'bob:41009').replace(
      /alices,.*/,
      `alices ${otherKey.line}`,
    );
    expect(await from('xuserset', wanted, ['--sync', nodes])).toEqual(
      ok(
        `${server.name}: ~alice (-crew) ~bob (uid 41002 to 41009) (keys not compared: this node does not show them)
n1: ~alice (key, -crew) ~bob (uid 41002 to 41009)
`,
      ),
    );
    expect(await from('xuserset', wanted, ['--sync', server.name])).toEqual(
      ok(`${server.name}: unchanged (keys not compared: this node does not show them)\n`),
    );
    expect(server.commands.every((command) => command.indexOf('\n') === command.length - 1)).toBe(
      true,
    );
    expect({ refused: server.refused, crashed: server.crashed }).toEqual({
      refused: [],
      crashed: undefined,
    });
  });

  test('is told no more after a failure, which would make the rest fail, too', async () => {
    // What another client left in front of the next command, as the historic node has one buffer for all.
    server.users.write('half a');
    const { status, stdout, stderr } = await from('xgroupset', GROUPS, [server.name]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/: alices: unknown command/),
      `xgroupset: ${server.name}: not done after that: bobs crew`,
    ]);
    expect(server.commands).toHaveLength(1);
  });

  test('is not told of keys that it refuses', async () => {
    await from('xgroupset', GROUPS, [server.name]);
    const users = `alice 41001 alices ${ED25519}\nbob 41002 bobs ${BOB.key.line}\n`;
    expect(await from('xuserset', users, ['--sync', server.name])).toEqual({
      status: 1,
      stdout: `${server.name}: +bob\n`,
      stderr: `xuserset: ${server.name}: alice (xuserset.txt:1): left, as C nodes take RSA keys only\n`,
    });
    expect(server.refused).toEqual([]);
  });
});
