import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { ALICE, BOB, freePort, type TestUser } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';
import { sleepers, uniqueSeconds } from '../support/processes.js';
import { Site } from '../support/site.js';
import { Statfs } from '../support/statfs.js';
import { eventually } from '../support/wait.js';

/** In Alice's default group: the nodes let her steer Alice's sessions. */
const CAROL: TestUser = { ...ALICE, name: 'carol', uid: 41_003, groups: {} };

let site: Site;
let down: string;
let keys: ReadonlyMap<TestUser, string>;
const logins: NodeLogin[] = [];

beforeAll(async () => {
  site = await Site.start(3, { users: [ALICE, BOB, CAROL] });
  down = `127.0.1.30!${await freePort('127.0.1.30')}`;
  const { cluster } = site;
  const alices = (await cluster.writeUserKey(ALICE)).privateFile;
  const bobs = (await cluster.writeUserKey(BOB)).privateFile;
  keys = new Map([
    [ALICE, alices],
    [CAROL, alices],
    [BOB, bobs],
  ]);
});
afterEach(() => {
  for (const login of logins.splice(0)) login.close();
});
afterAll(() => site?.stop());

const done = { status: 0, stdout: '', stderr: '' };

/** With the administrator's key in the environment. */
const xk = (...args: string[]) => site.run('xk', args);

/** As an ordinary user. */
const xkAs = (user: TestUser, ...args: string[]) =>
  site.run('xk', ['--user', user.name, '-k', keys.get(user)!, ...args]);

/** A program that is a shell with two sleepers below it, in a session `id` of its own on node 1, 2 or 3. */
async function startRank(user: TestUser, node: number, id: string) {
  const login = await site.cluster.user(user, site.cluster.nodes[node - 1]);
  logins.push(login);
  const seconds = uniqueSeconds();
  const session = await login.newSession();
  const script = `sleep ${seconds} & sleep ${seconds} & wait`;
  await session.start(['sh', '-c', script], { id });
  await eventually('it runs', () => sleepers(seconds).length === 2);
  return {
    pid: Number(await session.text('ctl')),
    children: () => sleepers(seconds),
    /** As the session's file tells: `15` for SIGTERM. */
    ended: () => session.text('wait'),
    runs: async () => (await session.text('ctl')) !== '-1',
  };
}

describe('the administrator', () => {
  test('signals one process, by number or name of the signal', async () => {
    const rank = await startRank(ALICE, 1, 'job/1');
    const [child, other] = rank.children() as [number, number];
    expect(await xk('KILL', `n1:${child}`)).toMatchObject(done);
    await eventually('one is gone', () => rank.children().length === 1);
    expect(rank.children()).toEqual([other]);
    expect(await xk('-SIGINT', `n1:${rank.pid}`)).toMatchObject(done);
    expect(await rank.ended()).toBe('2');
  });

  test('signals a rank, wherever it is; all ranks with -m', async () => {
    const ranks = await Promise.all([1, 2, 3].map((node) => startRank(ALICE, node, `job/${node}`)));
    const other = await startRank(ALICE, 2, 'jobless/2');
    expect(await xk('-9', 'job/2')).toMatchObject(done);
    expect(await ranks[1]!.ended()).toBe('9');
    expect(await ranks[0]!.runs()).toBe(true);
    expect(await xk('-m', '15', 'n[2-3]:job')).toMatchObject(done);
    expect(await ranks[2]!.ended()).toBe('15');
    expect(await ranks[0]!.runs()).toBe(true);
    expect(await xk('-m', 'term', 'job')).toMatchObject(done);
    expect(await ranks[0]!.ended()).toBe('15');
    expect(await other.runs()).toBe(true);
    // The whole process group gets it.
    for (const rank of ranks) await eventually('nothing is left', () => !rank.children().length);
  });

  test('signals many targets at once, each once', async () => {
    const [a, b, c] = await Promise.all([
      startRank(ALICE, 1, 'a/1'),
      startRank(BOB, 2, 'b/1'),
      startRank(ALICE, 3, '/1'),
    ]);
    const result = await xk('HUP', 'a/1', 'n1:a/1', 'b/1', 'n3:/1');
    expect(result).toMatchObject(done);
    for (const rank of [a, b, c]) expect(await rank.ended()).toBe('1');
  });

  test('may be named by -a, -A or the environment', async () => {
    const { privateFile } = site.cluster.adminFiles;
    for (const option of ['-a', '-A']) {
      const rank = await startRank(ALICE, 1, 'job/1');
      const env = { XCPU_ADMIN_KEY: '/no/such/key' };
      const result = await site.run('xk', [option, privateFile, '9', 'job/1'], { env });
      expect(result).toMatchObject(done);
      expect(await rank.ended()).toBe('9');
    }
  });

  test('is told what is not there: 1; the rest is done', async () => {
    const rank = await startRank(ALICE, 2, 'job/1');
    const result = await xk('9', 'n[1-2]:4194303', 'job/7', 'n2:job/1', 'n[1-3]:other/1');
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toBe(
      [
        'xk: n[1-2]: 4194303: no such process',
        'xk: n[1-3]: job/7: no such job',
        'xk: n[1-3]: other/1: no such job\n',
      ].join('\n'),
    );
    expect(await rank.ended()).toBe('9');
  });

  test('is told which node fails: 1; the others are done', async () => {
    const rank = await startRank(ALICE, 1, 'job/1');
    const { status, stderr } = await xk('-m', '-w', `n1,${down}`, '9', 'job');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^xk: 127\.0\.1\.30!\d+: connection refused .*\n$/);
    expect(await rank.ended()).toBe('9');
  });

  test('does not end the daemon by its pid', async () => {
    const { pid } = site.cluster.node;
    expect(await xk('9', `n1:${pid}`)).toMatchObject({
      status: 1,
      stderr: `xk: n1: ${pid}: xcpufs itself is not killed this way\n`,
    });
  });

  test('finds the nodes in $NODES, else in the node map, else with statfs', async () => {
    const rank = await startRank(ALICE, 1, 'job/1');
    const elsewhere = await site.run('xk', ['9', 'job/1'], { env: { NODES: 'n[2-3]' } });
    expect(elsewhere).toMatchObject({ status: 1, stderr: 'xk: n[2-3]: job/1: no such job\n' });
    const empty = join(site.cluster.directory, 'empty');
    await writeFile(empty, '');
    const env = { XCPU_NODES_FILE: empty, XCPU_STATFS: down };
    const lost = await site.run('xk', ['9', 'job/1'], { env });
    expect(lost).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^xk: no nodes are named, there is no node map, and statfs: /),
    });
    expect(await rank.runs()).toBe(true);
  });

  test('finds the nodes with statfs where there is no node map, or with --all', async () => {
    const { directory, adminFiles, nodes } = site.cluster;
    const rank = await startRank(ALICE, 1, 'job/1');
    const empty = join(directory, 'empty');
    await writeFile(empty, '');
    const statfs = await Statfs.start({
      directory,
      nodes: nodes.slice(0, 2).map(({ name }, index) => `m${index + 1}=${name}`),
      adminKey: adminFiles.privateFile,
      host: '127.0.1.30',
    });
    try {
      await statfs.shows({ m1: 'up', m2: 'up' });
      const mapped = { env: { XCPU_STATFS: statfs.name } };
      const other = await site.run('xk', ['--all', '9', 'other/1'], mapped);
      expect(other).toMatchObject({ status: 1, stderr: 'xk: m[1-2]: other/1: no such job\n' });
      const env = { XCPU_NODES_FILE: empty, XCPU_STATFS: statfs.name };
      expect(await site.run('xk', ['9', 'job/1'], { env })).toMatchObject(done);
      expect(await rank.ended()).toBe('9');
    } finally {
      await statfs.stop();
    }
  });
});

describe('an ordinary user', () => {
  test('signals his own jobs, programs and their processes', async () => {
    const ranks = await Promise.all(
      [1, 2, 3].map((node) => startRank(ALICE, node, `mine/${node}`)),
    );
    const [first, second, third] = ranks as [Rank, Rank, Rank];
    const [child, other] = first.children() as [number, number];
    expect(await xkAs(ALICE, '9', `n1:${child}`)).toMatchObject(done);
    await eventually('one is gone', () => first.children().length === 1);
    expect(first.children()).toEqual([other]);
    // The program alone: what it started goes on.
    expect(await xkAs(ALICE, 'USR1', `n1:${first.pid}`)).toMatchObject(done);
    expect(await first.ended()).toBe('10');
    expect(first.children()).toEqual([other]);
    expect(await xkAs(ALICE, '9', 'mine/2')).toMatchObject(done);
    expect(await second.ended()).toBe('9');
    expect(await xkAs(ALICE, '-m', '9', 'mine')).toMatchObject(done);
    expect(await third.ended()).toBe('9');
  });

  test("may signal no other's job or process, and none outside of sessions", async () => {
    const rank = await startRank(ALICE, 1, 'hers/1');
    const [child] = rank.children() as [number];
    for (const what of [rank.pid, child, process.pid, site.cluster.node.pid]) {
      const { status, stderr } = await xkAs(BOB, '9', `n1:${what}`);
      expect(status).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`^xk: n1: ${what}: permission denied: it is in no session of bob's; `),
      );
    }
    expect(await xkAs(BOB, '9', 'hers/1')).toMatchObject({
      status: 1,
      stderr: "xk: n1: hers/1: permission denied: it is not a job of bob's\n",
    });
    expect((await xkAs(BOB, '-m', '9', 'hers')).status).toBe(1);
    expect(await rank.runs()).toBe(true);
    expect(rank.children()).toHaveLength(2);
  });

  test("means his own where another's job has the same name, his group's mate's too", async () => {
    const [hers, his, mates] = await Promise.all([
      startRank(ALICE, 1, 'test/1'),
      startRank(BOB, 1, 'test/1'),
      startRank(CAROL, 2, 'test/1'),
    ]);
    expect(await xkAs(BOB, '-m', '9', 'test')).toMatchObject(done);
    expect(await his.ended()).toBe('9');
    expect(await xkAs(CAROL, '-m', '9', 'test')).toMatchObject(done);
    expect(await mates.ended()).toBe('9');
    expect((await xkAs(CAROL, '9', `n1:${hers.pid}`)).status).toBe(1);
    expect(await hers.runs()).toBe(true);
  });

  test.skipIf(lacksRoot())('is whoever runs it, with the key in his home', async () => {
    const home = join(site.cluster.directory, 'home');
    await mkdir(join(home, '.ssh'), { recursive: true });
    const { key } = ALICE;
    const file = join(home, '.ssh/id_rsa');
    await writeFile(file, key.key.export({ type: 'pkcs1', format: 'pem' }));
    const env = { HOME: home, USER: ALICE.name, XCPU_ADMIN_KEY: '' };
    const who = { uid: ALICE.uid, gid: ALICE.gid, env };
    const [hers, his] = await Promise.all([
      startRank(ALICE, 1, 'hers/1'),
      startRank(BOB, 1, 'his/1'),
    ]);
    expect((await site.run('xk', ['9', 'his/1'], who)).status).toBe(1);
    expect(await site.run('xk', ['9', 'hers/1'], who)).toMatchObject(done);
    expect(await hers.ended()).toBe('9');
    expect(await his.runs()).toBe(true);
  });

  test('whom the node lets in as an administrator signals any', async () => {
    const rank = await startRank(BOB, 1, 'his/1');
    await using admin = await site.cluster.admin();
    await admin.nodeCtl('user-add-group alice xcpu-admin');
    try {
      expect(await xkAs(ALICE, '9', `n1:${rank.pid}`)).toMatchObject(done);
      expect(await rank.ended()).toBe('9');
    } finally {
      await admin.nodeCtl('user-del-group alice xcpu-admin');
    }
  });
});

describe('a pid without a node', () => {
  test('is one of the only node that is named', async () => {
    const [first, second] = await Promise.all([
      startRank(ALICE, 1, 'job/1'),
      startRank(ALICE, 1, 'job/2'),
    ]);
    expect(await xk('-w', 'n1', '9', String(first.pid))).toMatchObject(done);
    expect(await first.ended()).toBe('9');
    const many = await site.run('xk', ['9', String(second.pid)], { env: { NODES: 'n[1-2]' } });
    expect(many).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`xk: ${second.pid}: a pid is one node's: name it`),
    });
    expect(await second.runs()).toBe(true);
    const one = await site.run('xk', ['9', String(second.pid)], { env: { NODES: 'n1' } });
    expect(one).toMatchObject(done);
    expect(await second.ended()).toBe('9');
  });
});

describe('wrong usage: 2', () => {
  test.each([
    [[], /operands are missing; wanted: SIGNAL NODES:PID\|JOBID\.\.\./],
    [['9'], /a process or a job is missing/],
    [['n1:5'], /n1:5: no signal; it comes first/],
    [['SIGFOO', 'n1:5'], /SIGFOO: no signal/],
    [['9', '1234'], /1234: on which node\? as in n8:1234/],
    [['--all', '9', '1234'], /1234: a pid is one node's: name it, as in n8:1234/],
    [['-w', 'n[1-2]', '9', 'job/1', '1234'], /1234: a pid is one node's/],
    [['9', 'n1:job'], /job: -m means all ranks of that job; one of them is n1:job\/RANK/],
    [['9', 'n1:0'], /0: a pid is 1 to/],
    [['9', 'n1:'], /a pid or a job is missing/],
    [['9', ':5'], /nodes are missing/],
    [['9', 'job/x'], /job\/x: no pid, and no JOBID/],
    [['9', '/1'], /\/1: many jobs have no name/],
    [['9', 'n[1-:5'], /node set/],
    [['-w', 'n1', '9', 'n2:5'], /n2:5: -w and --all name the nodes/],
    [['-w', 'n1', '--all', '9', 'job/1'], /give one/],
    [['-a', 'x', '-k', 'y', '9', 'job/1'], /give one/],
  ])('%j', async (args, reason) => {
    const { status, stdout, stderr } = await xk(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

type Rank = Awaited<ReturnType<typeof startRank>>;
