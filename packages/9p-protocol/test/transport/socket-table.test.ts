import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  parseSocketRow,
  readSocketTable,
  SOCKET_TABLES,
  socketKey,
} from '../../src/transport/socket-table.js';

/** As Linux 6.18 wrote them, on a little-endian machine. */
const LINES = {
  listening:
    '   0: 0100007F:1A0D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12644293 1 00000000e598ea14 100 0 0 10 0                  ',
  retransmits:
    '   8: 016433C6:C58C 026433C6:1608 01 00000033:00000000 01:00000019 0000000B     0        0 12621939 3 000000009866146e 326 4 31 1 -1                 ',
  probes:
    '   2: 0100007F:1A0D 0100007F:81CE 01 0039DC00:00000000 04:00000002 00000000     0        1 12644296 2 000000009efbb4e6 20 0 0 15 -1                  ',
  keepalive:
    '   3: 0100007F:81CE 0100007F:1A0D 01 00000000:0001F400 02:00000D16 00000000     0        0 12644294 2 00000000fde41b75 20 8 0 10 -1                  ',
  timeWait:
    '   3: 00000000000000000000000001000000:D9DC 00000000000000000000000001000000:1A0C 06 00000000:00000000 03:000016F8 00000000     0        0 0 3 0000000093a13a8f',
  mapped:
    '   5: 0000000000000000FFFF0000016433C6:9503 0000000000000000FFFF0000026433C6:98AE 01 0000005F:00000000 01:000000E2 0000000A     0        0 12621425 3 000000008177352e 332 4 1 1 -1',
  ipv6: '   4: B80D0120000000000000000001000000:1A0C B80D0120000000000000000001000000:EDF6 01 00000000:00000000 02:00000D16 00000000     0        0 12644297 2 000000000e02f304 20 0 0 16 8',
};

describe('a line of /proc/net/tcp', () => {
  it.each([
    ['listening', { unacknowledged: 0, unread: 0, unanswered: 0 }],
    ['retransmits', { unacknowledged: 0x33, unread: 0, unanswered: 11 }],
    ['probes', { unacknowledged: 0x39dc00, unread: 0, unanswered: 1 }],
    ['keepalive', { unacknowledged: 0, unread: 0x1f400, unanswered: 0 }],
    ['timeWait', { unacknowledged: 0, unread: 0, unanswered: 0 }],
    ['mapped', { unacknowledged: 0x5f, unread: 0, unanswered: 10 }],
    ['ipv6', { unacknowledged: 0, unread: 0, unanswered: 0 }],
  ] as const)('tells of one that is %s', (name, row) => {
    expect(parseSocketRow(LINES[name])).toEqual(row);
  });

  it.each([
    '',
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    LINES.retransmits.slice(0, 60),
    'what is that: it is no table at all, is it',
  ])('is none: %s', (line) => {
    expect(parseSocketRow(line)).toBe(undefined);
  });
});

describe('the key of a connection', () => {
  const end = (address: string, port: number) => ({ address, port });

  it.each([
    [LINES.retransmits, end('198.51.100.1', 0xc58c), end('198.51.100.2', 5640)],
    [LINES.mapped, end('::ffff:198.51.100.1', 0x9503), end('::ffff:198.51.100.2', 0x98ae)],
    [LINES.ipv6, end('2001:db8::1', 6668), end('2001:db8:0::1', 0xedf6)],
    [LINES.timeWait, end('::1', 0xd9dc), end('::1%lo', 6668)],
  ])('is what the table says: %s', (line, local, remote) => {
    expect(line).toContain(` ${socketKey(local, remote, 'LE')} `);
  });

  it('has the bytes of addresses in order on a big-endian machine', () => {
    const ipv4 = socketKey(end('198.51.100.1', 564), end('127.0.0.1', 1), 'BE');
    expect(ipv4).toBe('C6336401:0234 7F000001:0001');
    const ipv6 = socketKey(end('2001:db8::', 1), end('::ffff:1.2.3.4', 65535), 'BE');
    expect(ipv6).toBe(
      '20010DB8000000000000000000000000:0001 00000000000000000000FFFF01020304:FFFF',
    );
  });

  it('is none for what is no address', () => {
    expect(socketKey(end('', 1), end('127.0.0.1', 1))).toBe(undefined);
    expect(socketKey(end('127.0.0.1', 1), end('localhost', 1))).toBe(undefined);
  });
});

describe('the table', () => {
  it('is read as far as it may be, for the connections that are asked for', async () => {
    const directory = await mkdtemp(join(tmpdir(), '9p-table-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, 'tcp');
    const { retransmits, probes, keepalive, mapped } = LINES;
    // Longer than what is read at a time.
    const others = `${keepalive}\n${mapped}\n`.repeat(500);
    const text = ['  sl  local_address …', probes, others, retransmits, ''].join('\n');
    await writeFile(file, text);
    const wanted = new Set(['016433C6:C58C 026433C6:1608', '0100007F:1A0D 0100007F:81CE']);
    const rows = await readSocketTable(file, wanted, 2 ** 20);
    expect([...rows.values()].map(({ unanswered }) => unanswered)).toEqual([1, 11]);
    expect((await readSocketTable(file, wanted, 64 * 1024)).size).toBe(1);
    expect((await readSocketTable(join(directory, 'none'), wanted, 2 ** 20)).size).toBe(0);
    expect((await readSocketTable(directory, wanted, 2 ** 20)).size).toBe(0);
  });

  it.skipIf(process.platform !== 'linux').each([
    ['127.0.0.1', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::1', '::1'],
  ])('has a connection to a server at %s', async (host, to) => {
    const server = createServer().listen(0, host);
    const listens = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    // Not every machine has IPv6.
    if (!listens) return;
    const client = connect((server.address() as AddressInfo).port, to);
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    const [socket] = await Promise.all([
      new Promise<typeof client>((resolve) => server.once('connection', resolve)),
      new Promise((resolve) => client.once('connect', resolve)),
    ]);
    const ends = [socket, client].map((it) => [
      { address: it.localAddress!, port: it.localPort! },
      { address: it.remoteAddress!, port: it.remotePort! },
    ]);
    const keys = new Set(ends.map(([local, remote]) => socketKey(local!, remote!)!));
    const tables = await Promise.all(SOCKET_TABLES.map((file) => readFile(file, 'latin1')));
    for (const key of keys) expect(tables.join('\n')).toContain(`: ${key} `);
    for (const it of [socket, client]) it.destroy();
  });
});
