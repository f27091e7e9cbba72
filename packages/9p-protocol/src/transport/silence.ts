import type { Socket } from 'node:net';
import {
  MAX_SILENCE_MS,
  MAX_SOCKET_TABLE_BYTES,
  MIN_UNANSWERED,
  SILENCE_LOOK_MS,
} from '../limits.js';
import { readSocketTable, SOCKET_TABLES, type SocketRow, socketKey } from './socket-table.js';

/**
 * Silence after which the system asks whether the peer is still there, in milliseconds. Node follows up with ten probes
 * a second apart, so that a host that lost power is noticed within 45 s, if nothing was on its way to it.
 */
const KEEPALIVE_DELAY_MS = 35_000;

/**
 * Ends a TCP connection, with ETIMEDOUT, within a minute after its peer's system has fallen silent, as when it lost power
 * or its network. A peer that does not read is left alone: its system answers.
 *
 * Keepalive alone does for idle connections only: while data is on its way Linux sends no probes, but that data, again
 * and again for a quarter of an hour (`tcp_retries2`, tcp(7)). Node does not offer the option that would shorten it
 * (TCP_USER_TIMEOUT), so this is seen in /proc/net/tcp; where that is missing, it is not.
 * @param socket connected
 */
export function endOnSilence(socket: Socket): void {
  socket.setKeepAlive(true, KEEPALIVE_DELAY_MS);
  watch.add(socket);
}

/** A peer's silence up to the last look. */
interface Silence {
  /** When it was first seen, by the clock of `performance.now`. */
  readonly since: number;
  readonly row: SocketRow;
}

interface Watched {
  readonly socket: Socket;
  /** Bytes read until the last look. */
  read: number;
  /** Bytes written up to which all is known to be acknowledged. */
  acknowledged: number;
  silence: Silence | undefined;
}

/** Where and how often to look; for tests. */
export interface SilenceWatchOptions {
  readonly tables?: readonly string[];
  /** Time between two looks, in milliseconds. */
  readonly every?: number;
  /** Silence at which a connection is ended, in milliseconds. */
  readonly most?: number;
}

/** Looks at all connections of the process from time to time, as long as there are some. */
export class SilenceWatch {
  readonly #tables: readonly string[];
  readonly #every: number;
  readonly #most: number;
  readonly #watched = new Map<string, Watched>();
  #looking = false;

  constructor(options: SilenceWatchOptions = {}) {
    this.#tables = options.tables ?? (process.platform === 'linux' ? SOCKET_TABLES : []);
    this.#every = options.every ?? SILENCE_LOOK_MS;
    this.#most = options.most ?? MAX_SILENCE_MS;
  }

  add(socket: Socket): void {
    const key = keyOf(socket);
    if (key === undefined || this.#tables.length === 0) return;
    const watched: Watched = { socket, read: 0, acknowledged: 0, silence: undefined };
    this.#watched.set(key, watched);
    socket.once('close', () => {
      // The ports may be another connection's by now.
      if (this.#watched.get(key) === watched) this.#watched.delete(key);
    });
    if (!this.#looking) this.#lookLater();
  }

  #lookLater(): void {
    this.#looking = this.#watched.size > 0;
    if (!this.#looking) return;
    setTimeout(() => void this.#look().then(() => this.#lookLater()), this.#every).unref();
  }

  /** The tables are read only if some connection may be silent: to list all of the machine's takes the system some time. */
  async #look(): Promise<void> {
    const suspects = this.#suspects();
    if (suspects.size === 0) return;
    for (const table of this.#tables) {
      const rows = await readSocketTable(table, suspects, MAX_SOCKET_TABLE_BYTES);
      const now = performance.now();
      for (const [key, row] of rows) {
        const { watched, written } = suspects.get(key)!;
        if (row.unacknowledged === 0) watched.acknowledged = written;
        this.#judge(watched, row, now);
      }
    }
  }

  /** Connections from which nothing came since the last look, with what was written to them if some may be on its way. */
  #suspects(): Map<string, { watched: Watched; written: number }> {
    const suspects = new Map<string, { watched: Watched; written: number }>();
    for (const [key, watched] of this.#watched) {
      const { bytesRead, bytesWritten } = watched.socket;
      if (bytesRead !== watched.read) {
        watched.read = bytesRead;
        watched.silence = undefined;
      } else if (bytesWritten !== watched.acknowledged) {
        suspects.set(key, { watched, written: bytesWritten });
      }
    }
    return suspects;
  }

  #judge(watched: Watched, row: SocketRow, now: number): void {
    watched.silence = silenceAt(watched.silence, row, now);
    if (!watched.silence) return;
    const silent = now - watched.silence.since;
    if (silent < this.#most || watched.silence.row.unanswered < MIN_UNANSWERED) return;
    const text = `no sign of life from the network for ${Math.round(silent / 1000)} seconds`;
    watched.socket.destroy(Object.assign(new Error(text), { code: 'ETIMEDOUT' }));
  }
}

/**
 * A peer's silence as the next look shows it, undefined where it is none. It begins anew when the peer answered between
 * the looks.
 */
export function silenceAt(
  before: Silence | undefined,
  row: SocketRow,
  now: number,
): Silence | undefined {
  if (row.unanswered === 0) return undefined;
  const goesOn =
    before !== undefined &&
    row.unanswered >= before.row.unanswered &&
    row.unacknowledged >= before.row.unacknowledged &&
    row.unread === before.row.unread;
  return { since: goesOn ? before.since : now, row };
}

function keyOf(socket: Socket): string | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return undefined;
  return socketKey(
    { address: localAddress, port: localPort },
    { address: remoteAddress, port: remotePort },
  );
}

const watch = new SilenceWatch();
