import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/cluster.js';
import type { KeyFiles } from '../support/keys.js';
import { isRoot } from '../support/needs.js';
import { Site } from '../support/site.js';

describe('xgroupset and xuserset', () => {
  let site: Site;
  let keys: KeyFiles;

  beforeAll(async () => {
    site = await Site.start(2, { users: [] });
    keys = await site.cluster.writeUserKey(ALICE);
  });
  afterAll(() => site?.stop());
  beforeEach(async () => {
    await succeed('xgroupset', 'flush', site.nodes);
  });

  const succeed = async (name: string, ...args: string[]) => {
    expect(await site.run(name, args)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  };
  /** The table of every node, which all are to have alike. */
  const table = async (file: 'pwent' | 'grent') => {
    const texts = await Promise.all(
      site.cluster.nodes.map(async (node) => {
        await using admin = await site.cluster.admin(node);
        return (await admin.text(file))
          .trimEnd()
          .split('\n')
          .sort()
          .filter((line) => !/^(nobody|xcpu-admin):/.test(line));
      }),
    );
    expect(texts[1]).toEqual(texts[0]);
    return texts[0];
  };

  test('the early spelling, without a verb', async () => {
    await succeed('xgroupset', site.nodes, 'alices', '41100');
    await succeed('xuserset', site.nodes, 'alice', '41001', 'alices', keys.publicFile);
    expect(await table('grent')).toEqual(['alices:41100']);
    expect(await table('pwent')).toEqual(['alice:41001:41100:alices']);
    expect((await site.xrx([site.nodes, 'true'])).status).toBe(0);
  });

  test('the later spelling, with verbs', async () => {
    await succeed('xgroupset', 'add', site.nodes, 'alices', '41100');
    await succeed('xgroupset', 'add', site.nodes, 'crew', '41200');
    await succeed('xuserset', 'add', site.nodes, 'alice', '41001', 'alices', keys.publicFile);
    await succeed('xuserset', 'addgroup', site.nodes, 'alice', 'crew');
    expect((await table('pwent'))?.[0]).toMatch(/^alice:41001:41100:(alices,crew|crew,alices)$/);
    if (isRoot) expect((await site.xrx(['n1', 'id', '-G'])).stdout).toBe('41100 41200\n');
    await succeed('xuserset', 'delgroup', site.nodes, 'alice', 'crew');
    expect(await table('pwent')).toEqual(['alice:41001:41100:alices']);
    await succeed('xuserset', 'delete', site.nodes, 'alice');
    expect(await table('pwent')).toEqual([]);
    expect((await site.xrx(['n1', 'true'])).status).toBe(254);
    await succeed('xgroupset', 'delete', site.nodes, 'crew');
    expect(await table('grent')).toEqual(['alices:41100']);
    await succeed('xuserset', 'flush', site.nodes);
    await succeed('xgroupset', 'flush', site.nodes);
    expect(await table('grent')).toEqual([]);
  });

  test.each([
    ['xgroupset', ['add', 'n1', 'alices', '7'], 'alices:group exists'],
    ['xgroupset', ['add', 'n1', 'other', '41100'], '41100:group exists'],
    ['xgroupset', ['delete', 'n1', 'alices'], 'alices:group not empty'],
    ['xgroupset', ['delete', 'n1', 'missing'], 'missing: no such group in userpool'],
    [
      'xuserset',
      ['add', 'n1', 'bob', '41002', 'missing', 'KEY'],
      'missing:group not found: add the group first, with xgroupset',
    ],
    ['xuserset', ['add', 'n1', 'alice', '41002', 'alices', 'KEY'], 'alice:user exists'],
    ['xuserset', ['add', 'n1', 'bob', '41001', 'alices', 'KEY'], '41001:user exists'],
    ['xuserset', ['delete', 'n1', 'bob'], 'bob: no such user in userpool'],
    ['xuserset', ['addgroup', 'n1', 'alice', 'missing'], 'missing: no such group in userpool'],
    ['xuserset', ['delgroup', 'n1', 'alice', 'crew'], 'user alice not a member of group crew'],
  ])('%s %j: the node says why: 1', async (name, args, reason) => {
    await succeed('xgroupset', 'n1', 'alices', '41100');
    await succeed('xgroupset', 'n1', 'crew', '41200');
    await succeed('xuserset', 'n1', 'alice', '41001', 'alices', keys.publicFile);
    const given = args.map((arg) => (arg === 'KEY' ? keys.publicFile : arg));
    expect(await site.run(name, given)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^${name}: n1: .*${reason}`)),
    });
  });

  test('one node that fails does not stop the others', async () => {
    await succeed('xgroupset', 'n2', 'alices', '41100');
    const { status, stderr } = await site.run('xgroupset', [
      'n[1-2],127.0.1.30!1',
      'alices',
      '41100',
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/n2: .*alices:group exists/);
    expect(stderr).toMatch(/127\.0\.1\.30!1: .*refused/);
    expect(await table('grent')).toEqual(['alices:41100']);
  });

  test('nodes that fail alike share a line', async () => {
    const down = '127.0.1.[30-33]!1';
    expect(await site.run('xgroupset', [down, 'alices', '41100'])).toMatchObject({
      status: 1,
      stderr: `xgroupset: ${down}: connection refused: is xcpufs running there?\n`,
    });
  });

  test.each([
    ['xgroupset', ['n1', 'alices', 'many'], /GID many/],
    ['xgroupset', ['n1', 'alices'], /operands are missing; wanted: NODES GROUP GID/],
    ['xuserset', ['n1', 'alice', '4x', 'alices', 'KEY'], /UID 4x/],
    ['xuserset', ['n1', 'alice', '41001', 'alices', '/no/such/key.pub'], /\/no\/such\/key\.pub/],
    ['xuserset', ['n1', 'alice', '41001', 'alices', 'PRIVATE'], /PRIVATE/],
    ['xuserset', ['flush', 'n1', 'extra'], /too many operands; wanted: NODES\n/],
    ['xgroupset', ['fluch', 'n1'], /fluch is none of the verbs add, delete, flush/],
    ['xuserset', ['adduser', 'n1', 'a', '1', 'g', 'KEY'], /adduser is none of the verbs add, /],
    ['xuserset', ['addgroup', '-u', 'n1'], /-u/],
    ['xuserset', [], /missing/],
  ])('%s %j is wrong usage: 2', async (name, args, reason) => {
    const files: Record<string, string> = {
      KEY: keys.publicFile,
      PRIVATE: site.cluster.adminFiles.privateFile,
    };
    const given = args.map((arg) => files[arg] ?? arg);
    const { status, stdout, stderr } = await site.run(name, given);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const expected = args.includes('PRIVATE') ? /private key/i : reason;
    expect(stderr).toMatch(expected);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a user cannot administer, even with -A and his own key', async () => {
    await succeed('xgroupset', site.nodes, 'alices', '41100');
    await succeed('xuserset', site.nodes, 'alice', '41001', 'alices', keys.publicFile);
    const { status, stderr } = await site.run('xgroupset', [
      '-A',
      keys.privateFile,
      '--user',
      'alice',
      'n1',
      'x',
      '7',
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/n1: .*permission denied/);
    expect(await table('grent')).toEqual(['alices:41100']);
  });

  test('a member of group xcpu-admin administers with his own key', async () => {
    await succeed('xgroupset', site.nodes, 'alices', '41100');
    await succeed('xuserset', site.nodes, 'alice', '41001', 'alices', keys.publicFile);
    await succeed('xuserset', 'addgroup', site.nodes, 'alice', 'xcpu-admin');
    await succeed('xgroupset', '-A', keys.privateFile, '--user', 'alice', site.nodes, 'x', '7');
    expect(await table('grent')).toEqual(['alices:41100', 'x:7']);
  });

  test('a user who was added runs programs at once; another one does not', async () => {
    await succeed('xgroupset', site.nodes, 'alices', '41100');
    expect((await site.xrx([site.nodes, 'true'])).status).toBe(254);
    await succeed('xuserset', site.nodes, 'alice', '41001', 'alices', keys.publicFile);
    expect((await site.xrx([site.nodes, 'true'])).status).toBe(0);
    expect((await site.xrx(['--user', BOB.name, 'n1', 'true'])).status).toBe(254);
  });
});
