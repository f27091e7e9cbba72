import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSession } from '../../support/client.js';
import { ALICE, BOB, Cluster } from '../../support/cluster.js';

let cluster: Cluster;
let shared: string;
beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'xcpu-shared-'));
  await chmod(shared, 0o777);
  cluster = await Cluster.start(1, { users: [ALICE, BOB] });
});
afterAll(async () => {
  await cluster?.stop();
  await rm(shared, { recursive: true, force: true });
});

const TRUNCATE = OpenMode.WRITE | OpenMode.TRUNCATE;

describe('ns', () => {
  it('keeps nothing of the default when it is truncated', async () => {
    await using admin = await cluster.admin();
    await admin.write('ns', `unshare\n${'cd /very/long/default\n'.repeat(40)}`, TRUNCATE);
    try {
      await using alice = await cluster.user(ALICE);
      const session = await alice.newSession();
      expect(await session.text('ns')).toContain('/very/long/default');
      await session.write('ns', 'cd /\n', TRUNCATE);
      expect(await session.text('ns')).toBe('cd /\n');
      expect(await session.run(['/bin/pwd'])).toMatchObject({ stdout: '/\n' });
    } finally {
      await admin.write('ns', '', TRUNCATE);
    }
  });

  it('may hold blank lines', async () => {
    await using alice = await cluster.user(ALICE);
    const result = await alice.run(['/bin/pwd'], { ns: '\n  \n\ncd /usr\n\n' });
    expect(result).toEqual({ status: { exitCode: 0 }, stdout: '/usr\n', stderr: '' });
  });
});

describe('session commands', () => {
  it('redirect to and from the file that is named', async () => {
    const [input, output] = [join(shared, 'input'), join(shared, 'output')];
    await writeFile(input, 'from a file\n', { mode: 0o644 });
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await session.ctl(`redirect stdin ${input}\nredirect stdout ${output}`);
    const result = await session.run(['/bin/sh', '-c', 'cat; echo err >&2']);
    expect(result).toEqual({ status: { exitCode: 0 }, stdout: '', stderr: 'err\n' });
    expect(await readFile(output, 'utf8')).toBe('from a file\n');
  });

  it('redirect no stream of another name', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await expect(session.ctl('redirect stdlog /tmp/x')).rejects.toThrow('invalid argument');
  });

  it('start a program once', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await session.start(['/bin/sleep', '60']);
    await expect(session.ctl('exec /bin/true')).rejects.toThrow();
    await session.ctl('signal 9');
    expect(await session.text('wait')).toBe('9');
    await expect(session.ctl('exec /bin/true')).rejects.toThrow();
  });

  it('say why a program cannot be started', async () => {
    await using alice = await cluster.user(ALICE);
    const missing = await alice.run(['/no/such/file']);
    expect(missing.status).toEqual({ exitCode: 127 });
    expect(missing.stderr).toContain('/no/such/file');
    const refused = await alice.run(['/etc/passwd']);
    expect(refused.status).toEqual({ exitCode: 126 });
    expect(refused.stderr).toContain('/etc/passwd');
  });

  it('leave nothing behind when they fail', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    const ctl = await session.open('ctl', OpenMode.WRITE);
    const write = (text: string) => ctl.write(0, Buffer.from(text));
    await expect(write('bogus\n')).rejects.toThrow('unknown command');
    await expect(write('id a/b/c\n')).rejects.toThrow('syntax error');
    expect(await write('id good/1\n')).toBe(10);
    expect(await session.text('id')).toBe('good/1');
    // The rest of a failed write is dropped; an unfinished command is dropped by truncating.
    await expect(write('bogus\nid dropped/1\n')).rejects.toThrow('unknown command');
    expect(await session.text('id')).toBe('good/1');
    await write('id half');
    await ctl.wstat({ length: 0 });
    await write('id whole/2\n');
    expect(await session.text('id')).toBe('whole/2');
  });

  it('of a user are open to the administrator', async () => {
    await using alice = await cluster.user(ALICE);
    await using admin = await cluster.admin();
    const session = await alice.newSession();
    await session.start(['/bin/sleep', '60']);
    await admin.write(session.path('ctl'), 'signal 15\n');
    expect(await session.text('wait')).toBe('15');
  });
});

describe('node commands', () => {
  it('kill nothing where there is nothing, and say so', async () => {
    await using admin = await cluster.admin();
    // Above the largest pid_max of Linux, 2^22.
    await expect(admin.nodeCtl('kill 9 5000000')).rejects.toMatchObject({
      errno: expect.anything(),
    });
  });

  it('leave nothing behind when they fail', async () => {
    await using admin = await cluster.admin();
    const ctl = await admin.open('ctl', OpenMode.WRITE);
    await expect(ctl.write(0, Buffer.from('bogus\n'))).rejects.toThrow('unknown command');
    await ctl.write(0, Buffer.from('group-add after 702\n'));
    expect(await admin.text('grent')).toContain('after:702\n');
  });

  it('of one client do not mix with those of another', async () => {
    await using one = await cluster.admin();
    await using two = await cluster.admin();
    const first = await one.open('ctl', OpenMode.WRITE);
    const second = await two.open('ctl', OpenMode.WRITE);
    await first.write(0, Buffer.from('group-add spl'));
    await second.write(0, Buffer.from('group-add other 703\n'));
    await first.write(0, Buffer.from('it 704\n'));
    const groups = await one.text('grent');
    expect(groups).toContain('other:703\n');
    expect(groups).toContain('split:704\n');
  });

  it('list users and groups in one piece', async () => {
    await using admin = await cluster.admin();
    for (const file of ['pwent', 'grent']) {
      const fid = await admin.open(file);
      const whole = await fid.read(0, 8191);
      expect(await fid.read(whole.length, 8191)).toHaveLength(0);
      const lines = Buffer.from(whole).toString().trimEnd().split('\n');
      expect(lines.length).toBeGreaterThanOrEqual(3);
      for (const line of lines) expect(line).toMatch(/^[\w-]+:\d+(:\d+(:[\w,-]+)?)?$/);
    }
  });
});

describe('every reader gets all the output', () => {
  it('those that wait, those that come later, and those with the same fid number', async () => {
    await using one = await cluster.user(ALICE);
    await using two = await cluster.user(ALICE);
    const session = await one.newSession();
    const script = 'for n in 1 2 3 4 5; do echo line $n; sleep 0.02; done';
    const waiting = [
      await one.open(session.path('stdout')),
      await two.open(session.path('stdout')),
    ];
    const early = waiting.map((fid) => fid.readAll());
    await session.start(['/bin/sh', '-c', script]);
    const expected = 'line 1\nline 2\nline 3\nline 4\nline 5\n';
    expect((await Promise.all(early)).map(String)).toEqual([expected, expected]);
    expect(await session.text('wait')).toBe('0');
    await using late = await cluster.user(ALICE);
    expect(await late.text(session.path('stdout'))).toBe(expected);
    expect(await one.text(session.path('stdout'))).toBe(expected);
  });

  it('even where two connections use one fid number', async () => {
    await using one = await cluster.user(ALICE);
    await using two = await cluster.user(ALICE);
    const session = await one.newSession();
    await session.start(['/bin/echo', 'shared']);
    const fids = [await openAlike(one, session), await openAlike(two, session)];
    expect(fids[0]!.number).toBe(fids[1]!.number);
    const texts = await Promise.all(fids.map((fid) => fid.readAll()));
    expect(texts.map(String)).toEqual(['shared\n', 'shared\n']);
  });
});

/** Opens stdout with a fid number that both connections have free. */
async function openAlike(login: TestSession['node'], session: TestSession) {
  while (login.client.takeFid() < 99);
  return login.open(session.path('stdout'));
}
