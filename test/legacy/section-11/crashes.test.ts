import { OpenMode } from '@xcpu/9p-protocol';
import { parseProcessList } from '@xcpu/xcpu-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, Cluster } from '../../support/cluster.js';
import { RawConnection } from '../../support/raw.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start(1, { users: [ALICE] });
});
afterAll(() => cluster?.stop());

afterEach(async () => {
  expect(cluster.node.running).toBe(true);
  await using alice = await cluster.user(ALICE);
  expect(await alice.run(['/bin/echo', 'well'])).toMatchObject({ stdout: 'well\n' });
});

describe("what crashed the historic server, on the node's ctl", () => {
  it('an empty line', async () => {
    await using admin = await cluster.admin();
    await admin.write('ctl', '\n').catch(() => {});
    await admin.write('ctl', ' \t \n').catch(() => {});
    await admin.write('ctl', '\0').catch(() => {});
    await admin.nodeCtl('group-add empty 900');
    expect(await admin.text('grent')).toContain('empty:900\n');
  });

  for (const command of ['user-del', 'kill', 'group-del', 'user-add-group', 'user-del-group']) {
    it(`${command} without words`, async () => {
      await using admin = await cluster.admin();
      await expect(admin.nodeCtl(command)).rejects.toThrow(/^Usage: /);
      await expect(admin.nodeCtl(`${command} `)).rejects.toThrow(/^Usage: /);
    });
  }

  it('an unterminated quote', async () => {
    await using admin = await cluster.admin();
    await expect(admin.nodeCtl("user-del 'x")).rejects.toThrow('unterminated quote');
  });

  it('OTRUNC at open', async () => {
    await using admin = await cluster.admin();
    const ctl = await admin.open('ctl', OpenMode.WRITE | OpenMode.TRUNCATE);
    await ctl.write(0, Buffer.from('group-add truncated 901\n'));
    expect(await admin.text('grent')).toContain('truncated:901\n');
  });
});

describe("what crashed the historic server, on a session's ctl", () => {
  it('an empty line', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await session.write('ctl', '\n').catch(() => {});
    await session.write('ctl', '  \n').catch(() => {});
    await session.ctl('id after/1');
    expect(await session.text('id')).toBe('after/1');
  });

  for (const command of ['signal', 'type', 'close', 'id', 'exec', 'redirect', 'connect']) {
    it(`${command} without words`, async () => {
      await using alice = await cluster.user(ALICE);
      const session = await alice.newSession();
      await expect(session.ctl(command)).rejects.toThrow(/argument expected|too few arguments/);
    });
  }

  it('an unterminated quote', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await expect(session.ctl("exec 'x")).rejects.toThrow('unterminated quote');
  });

  it('wipe of a persistent session', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await session.ctl('type persistent');
    await session.start(['/bin/sleep', '60']);
    const wait = session.text('wait');
    const stdout = session.text('stdout');
    await session.ctl('wipe');
    // Whoever waits is told: zero bytes crashed the C xrx.
    expect(await wait).toBe('9');
    expect(await stdout).toBe('');
    await session.close();
    await expect(alice.open(session.path('ctl'))).rejects.toMatchObject({ errno: 2 });
  });
});

describe('what crashed the historic server, elsewhere', () => {
  it('a strange Tversion', async () => {
    const answers: Record<string, string> = {
      '': 'unknown',
      '9P': 'unknown',
      '9P1999': 'unknown',
      junk: 'unknown',
      '9P2000': '9P2000',
      '9P2000.L': '9P2000.L',
      '9P2000.zz': '9P2000',
      ['9P2000.'.padEnd(3000, 'x')]: '9P2000',
    };
    for (const [version, answer] of Object.entries(answers)) {
      const raw = await RawConnection.open(cluster.node);
      const reply = await raw.version(version);
      // A version of some thousand characters may end the conversation instead.
      if (version.length < 1000 || reply) expect(reply, version).toMatchObject({ version: answer });
      raw.destroy();
    }
    for (const msize of [0, 1, 24, 255]) {
      const raw = await RawConnection.open(cluster.node);
      expect(await raw.version('9P2000.u', msize)).toMatchObject({ ename: 'msize too small' });
      raw.destroy();
    }
  });

  it('reading past the end of arch and env', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    for (const file of [
      'arch',
      'env',
      session.path('env'),
      session.path('argv'),
      'procs',
      'state',
    ]) {
      const fid = await alice.open(file);
      for (const offset of [1_000_000, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
        expect(await fid.read(offset, 4096), `${file} at ${offset}`).toHaveLength(0);
      }
      await fid.clunk();
    }
  });

  it('chmod of env', async () => {
    await using admin = await cluster.admin();
    const env = await admin.root.walk('env');
    const { mode } = await env.stat();
    await env.wstat({ mode: 0o640 });
    expect((await env.stat()).mode & 0o777).toBe(0o640);
    await env.wstat({ mode });
  });

  it('procs while processes come and go', async () => {
    await using alice = await cluster.user(ALICE);
    await using other = await cluster.user(ALICE);
    const session = await alice.newSession();
    await session.start(['/bin/sh', '-c', 'while :; do /bin/true; done'], { id: 'churn/1' });
    for (let reads = 0; reads < 25; reads++) {
      const text = await other.text('procs');
      const processes = parseProcessList(text);
      expect(processes).toHaveLength(text.trimEnd().split('\n').length - 1);
      expect(processes.some(({ xcpujid }) => xcpujid === 'churn/1')).toBe(true);
    }
    await session.ctl('signal KILL').catch(() => session.ctl('signal SIGKILL'));
  });
});
