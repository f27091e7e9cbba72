import { execFileSync } from 'node:child_process';
import { OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin, TestSession } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { smallDisk } from '../support/namespace.js';
import { lacksMountNamespaces, lacksRoot } from '../support/needs.js';

const MEBIBYTE = 1024 * 1024;
const QUOTA = 64 * MEBIBYTE;
const MARKER = /^\n\[xcpufs: (\d+) bytes of output dropped\]\n/;
/** Numbers for seq(1) that make 106 MB. */
const MUCH = 13_000_000;

describe.skipIf(lacksRoot())('the output of a persistent session', () => {
  let cluster: Cluster;
  let node: NodeLogin;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    node = await cluster.user(ALICE);
  });
  afterAll(() => cluster?.stop());

  test('is spooled beyond the window while nobody reads, and comes back whole', async () => {
    const session = await persistent(node);
    await session.start(['seq', '2000000']);
    expect(await session.text('wait')).toBe('0');
    for (let reader = 0; reader < 2; reader++) {
      expect((await everything(session)).equals(sequence(2_000_000))).toBe(true);
    }
    await session.ctl('wipe');
  });

  test('is spooled although a reader stands still, who gets it whole when he goes on', async () => {
    const session = await persistent(node);
    const still = await session.open('stdout');
    await session.start(['seq', '2000000']);
    expect(await session.text('wait')).toBe('0');
    expect((await still.readAll({ limit: QUOTA })).equals(sequence(2_000_000))).toBe(true);
    await still.clunk();
    await session.ctl('wipe');
  });

  test('beyond the quota loses its oldest part: a marker tells how much, to the byte', async () => {
    const session = await persistent(node);
    const early = await session.open('stdout');
    await session.start(['sh', '-c', `echo first; read line; seq ${MUCH}`]);
    expect(String(await early.read(0, 100))).toBe('first\n');
    await session.write('stdin', 'go on\n');
    expect(await session.text('wait')).toBe('0');
    const whole = Buffer.concat([Buffer.from('first\n'), sequence(MUCH)]);
    const continued = await early.readAll({ limit: 2 * QUOTA });
    for (const [text, seen] of [
      [continued, 6],
      [await everything(session), 0],
    ] as const) {
      const { dropped, rest } = split(text);
      expect(seen + dropped + rest.length).toBe(whole.length);
      expect(rest.equals(whole.subarray(whole.length - rest.length))).toBe(true);
      // The quota is kept in files of 4 MiB, the oldest of which goes as a whole; the window comes on top.
      expect(rest.length).toBeGreaterThan(QUOTA - 4 * MEBIBYTE);
      expect(rest.length).toBeLessThan(QUOTA + 3 * MEBIBYTE);
    }
    await early.clunk();
    await session.ctl('wipe');
  });

  test.skipIf(lacksMountNamespaces())(
    'on a full disk is cut, and nothing else suffers',
    async () => {
      await using small = await Cluster.start(1, { users: [ALICE], wrap: smallDisk('8m') });
      await using login = await small.user(ALICE);
      const session = await persistent(login);
      await session.start(['seq', String(MUCH)]);
      await expect(fill(login, session)).rejects.toThrow(/no space/i);
      expect((await login.run(['echo', 'others go on'])).stdout).toBe('others go on\n');
      expect(await session.text('wait')).toBe('0');
      const { dropped, rest } = split(await everything(session));
      const whole = sequence(MUCH);
      expect(dropped + rest.length).toBe(whole.length);
      expect(rest.equals(whole.subarray(dropped))).toBe(true);
      expect(rest.length).toBeGreaterThanOrEqual(MEBIBYTE);
      await session.ctl('wipe');
      const next = await persistent(login);
      await next.start(['seq', '500000']);
      expect(await next.text('wait')).toBe('0');
      expect((await everything(next)).equals(sequence(500_000))).toBe(true);
      await next.ctl('wipe');
    },
  );
});

async function persistent(node: NodeLogin): Promise<TestSession> {
  const session = await node.newSession();
  await session.ctl('type persistent');
  return session;
}

async function everything(session: TestSession): Promise<Buffer> {
  const fid = await session.open('stdout');
  try {
    return await fid.readAll({ limit: 2 * QUOTA });
  } finally {
    await fid.clunk();
  }
}

/** Writes 16 MiB into `fs/`. */
async function fill(node: NodeLogin, session: TestSession): Promise<void> {
  const fid = await node.root.walk(session.path('fs'));
  try {
    await fid.create('large', 0o600, OpenMode.WRITE);
    await fid.writeAll(Buffer.alloc(16 * MEBIBYTE));
  } finally {
    await fid.clunk();
  }
}

function sequence(last: number): Buffer {
  return execFileSync('seq', [String(last)], { maxBuffer: 2 * QUOTA });
}

function split(text: Buffer): { dropped: number; rest: Buffer } {
  const marker = MARKER.exec(text.subarray(0, 100).toString('latin1'));
  if (!marker) throw new Error(`no marker: ${text.subarray(0, 100)}`);
  return { dropped: Number(marker[1]), rest: text.subarray(marker[0].length) };
}
