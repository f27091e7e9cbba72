import { fstatSync, writev } from 'node:fs';

/** Most bytes gathered into one write, so that a slow reader of the descriptor is not waited for too long. */
const GATHER_BYTES = 1024 * 1024;
/** Most pieces that the system takes at once: IOV_MAX. */
const GATHER_PIECES = 1024;
/** Wait before a descriptor that somebody else made non-blocking is tried again, in milliseconds. */
const RETRY_MS = 5;

interface Entry {
  readonly fd: number;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * Writes to file descriptors in order, off the main loop: a reader that is slow, or stopped, holds up nothing else.
 * What waits is gathered; pieces of one `write` stay together. (Streams of Node's copy more, and make a pipe that is
 * shared with another descriptor non-blocking.)
 */
export class FdWriter {
  #waiting: Entry[] = [];
  #busy = false;

  /**
   * Resolves when everything was taken. Without a copy: the pieces must not change until then.
   * @throws the system's error, such as EPIPE
   */
  write(fd: number, pieces: readonly Uint8Array[]): Promise<void> {
    return new Promise((done, failed) => {
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      this.#waiting.push({ fd, pieces, bytes, done, failed });
      if (!this.#busy) this.#next();
    });
  }

  #next(): void {
    const entries = this.#take();
    if (entries.length === 0) return;
    this.#busy = true;
    writeAll(
      entries[0]!.fd,
      entries.flatMap(({ pieces }) => pieces),
      (error) => {
        this.#busy = false;
        for (const { done, failed } of entries) {
          if (error) failed(error);
          else done();
        }
        this.#next();
      },
    );
  }

  /** What comes next for one descriptor; at least one entry if there is any. */
  #take(): Entry[] {
    const fd = this.#waiting[0]?.fd;
    let bytes = 0;
    let pieces = 0;
    let count = 0;
    for (const entry of this.#waiting) {
      bytes += entry.bytes;
      pieces += entry.pieces.length;
      const fits = bytes <= GATHER_BYTES && pieces <= GATHER_PIECES;
      if (entry.fd !== fd || (count > 0 && !fits)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

/** Writers for two descriptors: one writer for both where they lead to the same place, to keep lines whole there. */
export function writersFor(a: number, b: number): [FdWriter, FdWriter] {
  const writer = new FdWriter();
  return [writer, sameFile(a, b) ? writer : new FdWriter()];
}

function sameFile(a: number, b: number): boolean {
  try {
    const [first, second] = [fstatSync(a), fstatSync(b)];
    return first.dev === second.dev && first.ino === second.ino;
  } catch {
    return false;
  }
}

function writeAll(fd: number, pieces: readonly Uint8Array[], done: (error?: Error) => void): void {
  if (pieces.length === 0) return done();
  writev(fd, pieces.slice(0, GATHER_PIECES), (error, written) => {
    if (!error) return writeAll(fd, after(pieces, written), done);
    if (error.code !== 'EAGAIN') return done(error);
    setTimeout(writeAll, RETRY_MS, fd, pieces, done);
  });
}

/** What is left of the pieces when their first bytes are written. */
function after(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  for (const piece of pieces) {
    if (written < piece.length) left.push(piece.subarray(written));
    written = Math.max(0, written - piece.length);
  }
  return left;
}
