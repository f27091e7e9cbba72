import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { processesWith, uniqueSeconds } from '../support/processes.js';
import { Site } from '../support/site.js';
import { eventually } from '../support/wait.js';

describe('xps on two nodes with a job', () => {
  let site: Site;
  let seconds: string;
  let stop: () => Promise<unknown>;

  beforeAll(async () => {
    site = await Site.start(2);
    seconds = uniqueSeconds();
    const job = site.startXrx([
      '-j',
      'myjob',
      site.nodes,
      'sh',
      '-c',
      `sleep ${seconds} & setsid sleep ${seconds}`,
    ]);
    stop = () => {
      job.child.kill('SIGKILL');
      return job.result;
    };
    await eventually('it runs', () => processesWith(`sleep\0${seconds}`).length === 4);
  });
  afterAll(async () => {
    await stop?.();
    await site?.stop();
  });

  const rows = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/\s+/));

  test('prints an aligned table with the columns of old', async () => {
    const { status, stdout, stderr } = await site.run('xps', [site.nodes]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [header, ...processes] = rows(stdout);
    expect(header).toEqual(['NODE', 'PID', 'TTY', 'STAT', 'TIME', 'JOBID', 'COMMAND']);
    const [first = ''] = stdout.split('\n');
    const column = first.indexOf('COMMAND');
    for (const line of stdout.trimEnd().split('\n')) expect(line[column - 1]).toBe(' ');
    expect(new Set(processes.map(([node]) => node))).toEqual(new Set(['n1', 'n2']));
    const own = processes.find(([node, pid]) => node === 'n1' && Number(pid) === process.pid);
    expect(own?.[5]).toBe('-');
    for (const [, pid, , stat, time] of processes) {
      expect(pid).toMatch(/^\d+$/);
      expect(stat).toMatch(/^[RSDTZWI][<N]?s?\+?$/);
      expect(time).toMatch(/^\d+:\d\d$/);
    }
  });

  test('-x shows what xcpu started, what left its process group too', async () => {
    const { stdout } = await site.run('xps', ['-x', site.nodes]);
    const [, ...processes] = rows(stdout);
    const jobs = processes.map(
      ([node, , , , , job, ...command]) => `${node} ${job} ${command.join(' ')}`,
    );
    // Both daemons are on this machine: each shows the processes of both, as its own or as a stranger's.
    for (const [index, node] of ['n1', 'n2'].entries()) {
      const mine = jobs.filter((line) => line.startsWith(`${node} myjob/${index + 1} `));
      expect(
        mine.filter((line) => line.endsWith(`sleep ${seconds}`)).length,
      ).toBeGreaterThanOrEqual(2);
    }
    expect(jobs.every((line) => / myjob\/[12] /.test(line))).toBe(true);
  });

  test('-J picks a job, or a rank of it', async () => {
    const all = await site.run('xps', ['-J', 'myjob', site.nodes]);
    expect(
      new Set(
        rows(all.stdout)
          .slice(1)
          .map((row) => row[5]),
      ),
    ).toEqual(new Set(['myjob/1', 'myjob/2']));
    const one = await site.run('xps', ['-J', 'myjob/2', site.nodes]);
    expect(
      new Set(
        rows(one.stdout)
          .slice(1)
          .map((row) => row[5]),
      ),
    ).toEqual(new Set(['myjob/2']));
    expect(await site.run('xps', ['-J', 'my', site.nodes])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `xps: ${site.nodes}: my: no such job\n`,
    });
  });

  test('-x and -J show sessions that are over, not those that have not begun', async () => {
    const ended = uniqueSeconds();
    const detached = ['--detach', '-l', '-j', 'gone', 'n2', 'sh', '-c', `: ${ended}`];
    expect((await site.xrx(detached)).stdout).toBe('gone\n');
    await eventually('it is over', () => processesWith(ended).length === 0);
    const login = await site.cluster.user(ALICE, site.cluster.nodes[1]);
    const waiting = await login.newSession();
    await waiting.ctl('id gone/2');
    const shown = await site.run('xps', ['-J', 'gone', site.nodes]);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(rows(shown.stdout).slice(1)).toEqual([['n2', '-', '??', '-', '-', 'gone/1', '(ended)']]);
    expect((await site.run('xps', ['-x', site.nodes])).stdout).toContain('gone/1 ');
    const json = await site.run('xps', ['--json', '-J', 'gone', site.nodes]);
    expect(JSON.parse(json.stdout)).toEqual([
      { node: 'n2', pid: null, ended: true, xcpusid: expect.any(String), xcpujid: 'gone/1' },
    ]);
    expect((await site.run('xps', [site.nodes])).stdout).not.toContain('(ended)');
    login.close();
    // Asking has not ended anything.
    expect(await site.xrx(['-J', 'gone', 'n2'])).toMatchObject({ status: 0, stderr: '' });
    expect((await site.run('xps', ['-J', 'gone', site.nodes])).status).toBe(1);
  });

  test('--json is for programs', async () => {
    const { stdout, status } = await site.run('xps', ['--json', '-x', site.nodes]);
    expect(status).toBe(0);
    const processes = JSON.parse(stdout);
    const sleeper = processes.find((each: { cmdline: string[] }) => each.cmdline[0] === 'sleep');
    expect(sleeper).toMatchObject({
      node: expect.stringMatching(/^n[12]$/),
      cmdline: ['sleep', seconds],
    });
    expect(sleeper.xcpujid).toMatch(/^myjob\/[12]$/);
    for (const field of ['pid', 'ppid', 'utime', 'vmsize', 'rssize'])
      expect(typeof sleeper[field]).toBe('number');
  });

  test('a node that does not answer is named: 1; the others are shown', async () => {
    const { status, stdout, stderr } = await site.run('xps', ['n1,127.0.1.30!1']);
    expect(status).toBe(1);
    expect(rows(stdout).length).toBeGreaterThan(1);
    expect(stderr).toMatch(/^xps: 127\.0\.1\.30!1: .*refused/);
  });

  test('the nodes may come from $NODES; too many operands are refused', async () => {
    expect((await site.run('xps', [], { env: { NODES: 'n1' } })).status).toBe(0);
    expect((await site.run('xps', ['n1', 'n2'])).status).toBe(2);
    expect((await site.run('xps', [])).status).toBe(2);
  });

  test('a key that is not the administrator’s is refused, with the way out', async () => {
    const { privateFile } = await site.cluster.writeUserKey(ALICE);
    const { status, stderr } = await site.run('xps', ['-A', privateFile, 'n1']);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `xps: n1: authentication failed for xcpu-admin: is ${privateFile} the right key?\n`,
    );
  });
});
