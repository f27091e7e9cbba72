import { formatNodeCommand, type NodeCommand } from '@xcpu/xcpu-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, freePort } from '../support/cluster.js';
import { Site } from '../support/site.js';

let site: Site;
let down: string;

beforeAll(async () => {
  site = await Site.start(3);
  down = `127.0.1.30!${await freePort('127.0.1.30')}`;
});
afterAll(() => site?.stop());

const xgetent = (...args: string[]) => site.run('xgetent', args);

/** Gives commands to one node, 1, 2 or 3. */
async function tell(node: number, ...commands: NodeCommand[]): Promise<void> {
  await using admin = await site.cluster.admin(site.cluster.nodes[node - 1]);
  await admin.write('ctl', commands.map((each) => `${formatNodeCommand(each)}\n`).join(''));
}

describe('xgetent', () => {
  test('prints the users of each node under the heading of old', async () => {
    const { status, stdout, stderr } = await xgetent('passwd', 'n[1-2]');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [first = '', second = ''] = stdout.split('\n\n');
    expect(first.split('\n')[0]).toBe('Password Database From Node: n1');
    expect(second.split('\n')[0]).toBe('Password Database From Node: n2');
    for (const table of [first, second]) {
      const users = table.trimEnd().split('\n').slice(1);
      expect(users).toContain('alice:41001:41100:alices,crew,alpha');
      expect(users).toContain('bob:41002:41101:bobs,beta');
      expect(users).toContain('nobody:9999:0');
    }
  });

  test('prints the groups', async () => {
    const { status, stdout } = await xgetent('group', 'n3');
    expect(status).toBe(0);
    const [heading, ...groups] = stdout.trimEnd().split('\n');
    expect(heading).toBe('Group Database From Node: n3');
    expect(groups).toEqual(
      expect.arrayContaining(['xcpu-admin:65530', 'alices:41100', 'crew:41200', 'beta:41202']),
    );
  });

  test('--json is for programs', async () => {
    const users = JSON.parse((await xgetent('--json', 'passwd', 'n[1-2]')).stdout);
    expect(users).toContainEqual({
      node: 'n2',
      name: 'alice',
      uid: 41_001,
      gid: 41_100,
      groups: ['alices', 'crew', 'alpha'],
      key: expect.stringMatching(/^SHA256:/),
    });
    const groups = JSON.parse((await xgetent('--json', 'group', 'n1')).stdout);
    expect(groups).toContainEqual({ node: 'n1', name: 'bobs', gid: 41_101 });
  });

  test('a node that fails is named: 1; the others are shown', async () => {
    const { status, stdout, stderr } = await xgetent('passwd', `n1,${down}`);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^Password Database From Node: n1\n/);
    expect(stderr).toMatch(/^xgetent: 127\.0\.1\.30!\d+: connection refused .*\n$/);
  });

  test('is for the administrator', async () => {
    const { privateFile } = await site.cluster.writeUserKey(ALICE);
    const { status, stdout, stderr } = await site.run(
      'xgetent',
      ['-A', privateFile, '--user', 'alice', 'passwd', 'n1'],
      {},
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(
      'xgetent: n1: permission denied: only the administrator reads these: give his key with -A\n',
    );
  });

  test.each([
    [[], /which database\? passwd and group are there/],
    [['shadow', 'n1'], /shadow: no such database; passwd and group/],
    [['passwd'], /NODES is missing/],
    [['passwd', 'n1', 'n2'], /too many operands/],
    [['-a', 'passwd', 'n1'], /too many operands/],
  ])('%j is wrong usage: 2', async (args, reason) => {
    const { status, stdout, stderr } = await xgetent(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(reason);
  });
});

describe('xgetent --diff', () => {
  afterEach(async () => {
    for (const node of site.cluster.nodes) {
      await using admin = await site.cluster.admin(node);
      await admin.nodeCtl('group-flush');
    }
    await Promise.all([site.cluster.addUser(ALICE), site.cluster.addUser(BOB)]);
  });

  test('says nothing where all agree: 0', async () => {
    // In another order: that is no difference.
    await tell(2, { command: 'user-del-group', user: 'alice', group: 'crew' });
    await tell(2, { command: 'user-add-group', user: 'alice', group: 'crew' });
    for (const database of ['passwd', 'group']) {
      const result = await xgetent('--diff', database, site.nodes);
      expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
      const json = await xgetent('--diff', '--json', database, site.nodes);
      expect(json).toMatchObject({ status: 0, stdout: '[]\n' });
    }
  });

  test('says who is missing, extra and different, and on which nodes: 1', async () => {
    const { key } = ALICE;
    for (const node of [2, 3]) await tell(node, { command: 'user-del', user: 'bob' });
    await tell(3, { command: 'user-del-group', user: 'alice', group: 'crew' });
    await tell(2, {
      command: 'user-add',
      user: 'eve',
      uid: 7,
      group: 'crew',
      key: key.publicKey,
    });
    const { status, stdout, stderr } = await xgetent('--diff', 'passwd', site.nodes);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout.split('\n').sort()).toEqual([
      '',
      'n2: extra eve:7:41200:crew',
      'n3: different alice:41001:41100:alices,alpha; on n1 alice:41001:41100:alices,alpha,crew',
      'n[2-3]: missing bob:41002:41101:beta,bobs',
    ]);
    const json = JSON.parse((await xgetent('--diff', '--json', 'passwd', site.nodes)).stdout);
    expect(json).toHaveLength(4);
    expect(json[0]).toMatchObject({
      node: 'n2',
      difference: 'missing',
      name: 'bob',
      reference: 'n1',
      wanted: { uid: 41_002 },
    });
  });

  test('compares groups, and keys by their fingerprints', async () => {
    await tell(3, { command: 'group-add', group: 'more', gid: 5 });
    expect(await xgetent('--diff', 'group', site.nodes)).toMatchObject({
      status: 1,
      stdout: 'n3: extra more:5\n',
    });
    const { name: user, uid, group } = BOB;
    const key = ALICE.key.publicKey;
    await tell(2, { command: 'user-del', user }, { command: 'user-add', user, uid, group, key });
    await tell(2, { command: 'user-add-group', user, group: 'beta' });
    const { status, stdout } = await xgetent('--diff', 'passwd', site.nodes);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^n2: different bob:\S+ with key SHA256:\S+; on n1 bob:\S+ with key SHA256:\S+\n$/,
    );
  });

  test('compares with the first that answers', async () => {
    await tell(1, { command: 'user-del', user: 'bob' });
    const { status, stdout, stderr } = await xgetent('--diff', 'passwd', `${down},n[1-2]`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/connection refused/);
    expect(stdout).toBe('n2: extra bob:41002:41101:beta,bobs\n');
  });
});

test('a table of 2,000 users is complete', async () => {
  const { publicKey } = ALICE.key;
  const users = Array.from({ length: 2_000 }, (_, index) => ({
    command: 'user-add' as const,
    user: `user-with-a-long-name-${index}`,
    uid: 50_000 + index,
    group: 'crew',
    key: publicKey,
  }));
  await tell(1, ...users);
  const { status, stdout } = await xgetent('passwd', 'n1');
  expect(status).toBe(0);
  const lines = new Set(stdout.split('\n'));
  for (const { user, uid } of users) expect(lines).toContain(`${user}:${uid}:41200:crew`);
  const differences = await xgetent('--diff', 'passwd', 'n[1-3]');
  expect(differences.status).toBe(1);
  expect(differences.stdout.match(/^n\[2-3\]: missing user-with-a-long-name-/gm)).toHaveLength(
    2_000,
  );
});
