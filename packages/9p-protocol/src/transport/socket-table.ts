import { open } from 'node:fs/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { endianness } from 'node:os';

/** The files in which Linux lists the TCP connections of this process' network namespace, IPv4's and IPv6's. */
export const SOCKET_TABLES: readonly string[] = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** What Linux tells of a TCP connection. */
export interface SocketRow {
  /** Bytes written that the peer's system has not acknowledged. */
  readonly unacknowledged: number;
  /** Bytes that arrived and were not read. */
  readonly unread: number;
  /**
   * How often the system asked without an answer: by sending data again, or by probing whether a peer that had no room
   * has some. 0 as soon as the peer's system answers.
   */
  readonly unanswered: number;
}

/** One end of a connection, as Node has it. */
export interface SocketEnd {
  readonly address: string;
  readonly port: number;
}

const CHUNK = 64 * 1024;

/** Values of a row's timer: what the system will do next, were it to hear nothing. */
const Timer = { RETRANSMIT: 1, PROBE_WINDOW: 4 } as const;

/**
 * The rows of some connections, by their keys (see `socketKey`). Where there is no such file there are none; one may be
 * missed while the table changes.
 * @param wanted the keys; no other rows are taken apart
 * @param most bytes that are read: what comes behind them is not looked at
 */
export async function readSocketTable(
  file: string,
  wanted: { has(key: string): boolean },
  most: number,
): Promise<Map<string, SocketRow>> {
  const rows = new Map<string, SocketRow>();
  const handle = await open(file).catch(() => undefined);
  if (!handle) return rows;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    let begun = '';
    for (let read = 0; read < most; ) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK);
      if (bytesRead === 0) break;
      read += bytesRead;
      const lines = (begun + buffer.toString('latin1', 0, bytesRead)).split('\n');
      begun = lines.pop() ?? '';
      for (const line of lines) {
        const key = KEY.exec(line)?.[1];
        if (key === undefined || !wanted.has(key)) continue;
        const row = parseSocketRow(line);
        if (row) rows.set(key, row);
      }
    }
    return rows;
  } catch {
    return rows;
  } finally {
    await handle.close().catch(() => {});
  }
}

const KEY = /^ *\d+: ([\dA-F]+:[\dA-F]+ [\dA-F]+:[\dA-F]+) /;

/**
 * What a line of /proc/net/tcp or tcp6 says, undefined if it is none. Its columns are in the kernel's
 * Documentation/networking/proc_net_tcp.rst and proc_pid_net(5), this is what is used of them:
 * `sl local remote st tx_queue:rx_queue tr:when retrnsmt uid timeout inode …`, where `timeout` counts window probes,
 * in decimal. The kernel takes `retrnsmt` back to 0 when the peer acknowledges something new, `timeout` at any sign of it.
 */
export function parseSocketRow(line: string): SocketRow | undefined {
  const columns = line.trim().split(/ +/);
  const [, , , , queues = '', timers = '', retransmissions = '', , probes = ''] = columns;
  const [unacknowledged, unread] = queues.split(':').map((field) => Number.parseInt(field, 16));
  const timer = Number.parseInt(timers, 16);
  const again = Number.parseInt(retransmissions, 16);
  const probed = Number.parseInt(probes, 10);
  if (!Number.isInteger(unacknowledged) || !Number.isInteger(unread)) return undefined;
  if (Number.isNaN(timer + again + probed)) return undefined;
  const asked = { [Timer.RETRANSMIT]: again, [Timer.PROBE_WINDOW]: probed }[timer];
  return { unacknowledged: unacknowledged!, unread: unread!, unanswered: asked ?? 0 };
}

/**
 * How the tables write both ends of a connection: addresses as 32-bit words, each in this machine's own order of bytes.
 * An IPv4 address that a dual-stack socket shows as IPv6 is listed as that.
 * @returns undefined for what are no addresses
 */
export function socketKey(
  local: SocketEnd,
  remote: SocketEnd,
  order: 'BE' | 'LE' = endianness(),
): string | undefined {
  const [from, to] = [local, remote].map((end) => endText(end, order));
  return from && to && `${from} ${to}`;
}

function endText({ address, port }: SocketEnd, order: 'BE' | 'LE'): string | undefined {
  const bytes = isIPv4(address) ? ipv4Bytes(address) : ipv6Bytes(address);
  if (!bytes) return undefined;
  const network = Buffer.from(bytes);
  if (order === 'LE') network.swap32();
  return `${network.toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

function ipv4Bytes(address: string): number[] {
  return address.split('.').map(Number);
}

function ipv6Bytes(address: string): number[] | undefined {
  // `fe80::1%eth0`: the tables have no interface.
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return undefined;
  const [head = [], tail = []] = plain.split('::').map((side) => {
    const groups = side === '' ? [] : side.split(':');
    return groups.flatMap((group) => (isIPv4(group) ? ipv4Bytes(group) : groupBytes(group)));
  });
  return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

function groupBytes(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
