import { readFile } from 'node:fs/promises';
import { MessageType, OpenMode } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeLogin } from '../support/client.js';
import { ALICE, Cluster } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';
import { eventually } from '../support/wait.js';

const MEBIBYTE = 1024 * 1024;

describe.skipIf(lacksRoot())('readers of stdout and stderr', () => {
  let cluster: Cluster;
  let node: NodeLogin;

  beforeAll(async () => {
    cluster = await Cluster.start(1, { users: [ALICE] });
    node = await cluster.user(ALICE);
  });
  afterAll(() => cluster?.stop());

  test('on connections that use the same fid numbers each get everything', async () => {
    const session = await node.newSession();
    const nodes = await Promise.all([1, 2, 3].map(() => cluster.user(ALICE)));
    const fids = await Promise.all(nodes.map((each) => each.open(session.path('stdout'))));
    expect(new Set(fids.map((fid) => fid.number)).size).toBe(1);
    const reads = fids.map((fid) => fid.readAll());
    await session.start(['seq', '200000']);
    const texts = await Promise.all(reads);
    for (const text of texts) expect(text.equals(sequence(200_000))).toBe(true);
    for (const each of nodes) each.close();
    await session.close();
  });

  test('that share a connection each get everything, stderr apart from stdout', async () => {
    const session = await node.newSession();
    const files = ['stdout', 'stdout', 'stdio', 'stderr'];
    const fids = await Promise.all(files.map((file) => session.open(file)));
    const reads = Promise.all(fids.map((fid) => fid.readAll()));
    await session.start(['sh', '-c', 'echo out; echo err >&2; echo more']);
    const texts = (await reads).map(String);
    expect(texts).toEqual(['out\nmore\n', 'out\nmore\n', 'out\nmore\n', 'err\n']);
    for (const fid of fids) await fid.clunk();
    await session.close();
  });

  test('that come late, or after the end, get everything', async () => {
    const session = await node.newSession();
    await session.start(['sh', '-c', 'echo first; read go; echo last']);
    const early = await session.open('stdout');
    expect(String(await early.read(0, 100))).toBe('first\n');
    const late = await session.open('stdout');
    expect(String(await late.read(0, 100))).toBe('first\n');
    await session.write('stdin', 'go\n');
    expect(await session.text('wait')).toBe('0');
    for (const fid of [early, late]) {
      expect(String(await fid.readAll())).toBe('last\n');
      await fid.clunk();
    }
    expect(await session.text('stdout')).toBe('first\nlast\n');
    await session.close();
  });

  test('get small and large pieces in order, whatever size they ask for', async () => {
    const session = await node.newSession();
    const fid = await session.open('stdout');
    await session.start(['seq', '20000']);
    const pieces: Uint8Array[] = [];
    for (const [index, count] of Array.from(
      { length: 1e6 },
      (_, n) => [1, 7, 4096, 100_000][n % 4]!,
    ).entries()) {
      const piece = await fid.read(index, count);
      if (piece.length === 0) break;
      expect(piece.length).toBeLessThanOrEqual(count);
      pieces.push(piece);
    }
    expect(Buffer.concat(pieces).equals(sequence(20_000))).toBe(true);
    await fid.clunk();
    await session.close();
  });

  test('several reads in flight are answered in their order', async () => {
    const session = await node.newSession();
    const fid = await session.open('stdout');
    const reads = Array.from({ length: 64 }, () => fid.read(0, 3));
    await session.start([
      'sh',
      '-c',
      'for n in 1 2 3 4; do seq 10 25 | tr -d "\\n"; done; sleep 0.01; printf x',
    ]);
    const all = await Promise.all(reads);
    const text = Buffer.concat(all).toString();
    expect(
      `${Array.from({ length: 4 }, () => '10111213141516171819202122232425').join('')}x`,
    ).toContain(text);
    expect(text.length).toBeGreaterThan(64);
    await fid.clunk();
    await session.close();
  });

  test('a read that was flushed before it was answered has consumed nothing', async () => {
    const session = await node.newSession();
    const fid = await session.open('stdout');
    await session.start(['cat']);
    for (let attempt = 0; attempt < 20; attempt++) {
      const abort = new AbortController();
      const read = fid.read(0, 100, { signal: abort.signal });
      const kept = fid.read(0, 100);
      abort.abort(new Error('flushed'));
      await expect(read).rejects.toThrow('flushed');
      await session.write('stdin', `line ${attempt}\n`);
      expect(String(await kept)).toBe(`line ${attempt}\n`);
    }
    await session.ctl('close stdin');
    expect((await fid.readAll()).length).toBe(0);
    await fid.clunk();
    await session.close();
  });

  test('the slowest open reader stops the program, and no other session', async () => {
    const slow = await node.newSession();
    const stalled = await slow.open('stdout');
    const reader = await slow.open('stdout');
    await slow.start(['dd', 'if=/dev/zero', 'bs=64k', 'count=128', 'status=none']);
    let got = 0;
    const draining = (async () => {
      for await (const piece of reader.stream()) got += piece.length;
    })();
    const pid = Number(await slow.text('ctl'));
    await eventually('dd waits in its pipe', () => blockedInPipe(pid));
    // A window, what the pipe holds, and what was on its way.
    await eventually('the fast reader has what there is', () => got >= MEBIBYTE);
    expect(got).toBeLessThan(3 * MEBIBYTE);
    expect((await node.run(['seq', '100000'])).stdout.length).toBe(588_895);
    expect(await blockedInPipe(pid)).toBe(true);
    await stalled.clunk();
    await draining;
    expect(got).toBe(8 * MEBIBYTE);
    expect(await slow.text('wait')).toBe('0');
    await reader.clunk();
    await slow.close();
  });

  test('without any reader the program stops after a window; the first reader gets it from the start', async () => {
    const session = await node.newSession();
    await session.start(['seq', '500000']);
    const pid = Number(await session.text('ctl'));
    await eventually('seq waits in its pipe', () => blockedInPipe(pid));
    expect((await session.node.bytes(session.path('stdout'))).equals(sequence(500_000))).toBe(true);
    await session.close();
  });

  test('a file that is opened for writing only is no reader', async () => {
    const session = await node.newSession();
    const writer = await session.open('stdio', OpenMode.WRITE);
    await session.start(['seq', '500000']);
    expect((await session.node.bytes(session.path('stdout'))).length).toBe(3_388_895);
    await writer.clunk();
    await session.close();
  });

  test('close stdout ends the stream for its readers', async () => {
    const session = await node.newSession();
    const read = session.text('stdout');
    await session.start(['sleep', '1000']);
    await session.ctl('close stdout');
    expect(await read).toBe('');
    await session.ctl('wipe');
    await session.close();
  });

  test('a gigabyte to a slow reader costs the daemon little memory', async () => {
    const session = await node.newSession();
    const fid = await session.open('stdout');
    const gigabyte = 1024 * MEBIBYTE;
    await session.start(['head', '-c', String(gigabyte), '/dev/zero']);
    const pid = Number(await session.text('ctl'));
    let got = 0;
    let pieces = 0;
    for await (const piece of fid.stream({ count: MEBIBYTE })) {
      got += piece.length;
      // Every now and then it looks away, until the program has to wait.
      if (++pieces % 256 === 0) {
        await eventually('head waits in its pipe', () => got === gigabyte || blockedInPipe(pid));
      }
    }
    expect(got).toBe(gigabyte);
    expect(await session.text('wait')).toBe('0');
    expect(await peakMemory(cluster.node.pid)).toBeLessThan(150 * MEBIBYTE);
    await fid.clunk();
    await session.close();
  });

  test('a client that asks for much and takes nothing costs the daemon little memory', async () => {
    const session = await node.newSession();
    const greedy = await cluster.user(ALICE);
    const fid = await greedy.open(session.path('stdout'));
    await session.start(['cat', '/dev/zero']);
    greedy.client.transport.pause();
    const requests = Array.from({ length: 500 }, () =>
      greedy.client
        .request({ type: MessageType.Tread, fid: fid.number, offset: 0, count: MEBIBYTE })
        .catch(() => {}),
    );
    const pid = Number(await session.text('ctl'));
    await eventually('cat waits in its pipe', () => blockedInPipe(pid));
    expect((await node.run(['echo', 'others go on'])).stdout).toBe('others go on\n');
    expect(await peakMemory(cluster.node.pid)).toBeLessThan(150 * MEBIBYTE);
    greedy.client.destroy();
    await Promise.all(requests);
    await session.ctl('wipe');
    await session.close();
  });
});

/** What seq(1) prints. */
function sequence(last: number): Buffer {
  return Buffer.from(Array.from({ length: last }, (_, index) => `${index + 1}\n`).join(''));
}

/** Whether a process sleeps because its pipe is full: it is the writing that it waits in. */
async function blockedInPipe(pid: number): Promise<boolean> {
  return /pipe_w(rite|ait)/.test(await readFile(`/proc/${pid}/wchan`, 'utf8').catch(() => ''));
}

/** The most memory that a process ever had resident, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
