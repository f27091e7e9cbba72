import {
  Errno,
  NinePError,
  type PeerIdentity,
  PieceQueue,
  type Transport,
  type TransportEvents,
} from '@xcpu/9p-protocol';
import { type OpeningFile, rejectWithFirst, release } from '../node/files.js';

/**
 * Reads of `term` that wait for what the node says. With a round trip of 3 ms files are written at 93 MB/s with one of
 * them, 260 with 8, 360 with 16, 380 with 32.
 */
const READS_AHEAD = 16;
/** Bytes of one: as much as a node reads ahead. */
const READ_BYTES = 256 * 1024;
/** Bytes under way to the node: as much as such a network holds. What comes beyond waits, and leaves in larger writes. */
const WRITE_BYTES = 4 * 1024 * 1024;
/** The same for many small writes. */
const WRITES = 32;
/** With less unsent, whoever sends is told that there is room again: before all has gone out, so that it never runs dry. */
const ROOM = 1024 * 1024;

/** Pieces of a `send` are needed until so many bytes of all were taken. */
interface Taken {
  readonly at: number;
  readonly callback: () => void;
}

interface Write {
  readonly bytes: number;
  done: boolean;
}

/**
 * The session file `term` as a transport: what a node says to whoever serves it files, and what he answers. Several
 * reads and writes of the file are under way at once; the node answers them in order. The transport ends with the file,
 * and lets go of it at its own end.
 */
export class TermTransport implements Transport {
  readonly peer: PeerIdentity;
  readonly localAddress: string;
  readonly #file: OpeningFile;
  #events: TransportEvents | undefined;
  /** Goes on after a pause. */
  #resume: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  readonly #waiting = new PieceQueue();
  #writes: Write[] = [];
  #writingBytes = 0;
  /** Bytes that were given to `send`, and those that the node has taken. */
  #given = 0;
  #takenBytes = 0;
  #taken: Taken[] = [];
  #closing = false;
  #over: { readonly error: Error | undefined } | undefined;

  /** @param file opened for reading and writing, on a node that is not legacy */
  constructor(file: OpeningFile, peer: PeerIdentity) {
    this.#file = file;
    this.peer = peer;
    this.localAddress = file.fid.client.transport.localAddress;
  }

  get unsent(): number {
    return this.#over ? 0 : this.#given - this.#takenBytes;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#over) this.#tellEnd();
    else void this.#receive(events);
  }

  send(pieces: readonly Uint8Array[], taken?: () => void): void {
    if (this.#over || this.#closing) return;
    for (const piece of pieces) {
      this.#waiting.push(piece);
      this.#given += piece.length;
    }
    if (taken) this.#taken.push({ at: this.#given, callback: taken });
    this.#write();
  }

  pause(): void {
    this.#paused ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#paused = undefined;
    this.#resume?.();
  }

  close(): void {
    this.#closing = true;
    if (this.unsent === 0) this.#end(undefined);
  }

  destroy(error?: Error): void {
    this.#end(error);
  }

  async #receive(events: TransportEvents): Promise<void> {
    const { fid, opened } = this.#file;
    const reads: Promise<readonly Uint8Array[]>[] = [];
    try {
      while (!this.#over) {
        while (reads.length < READS_AHEAD) {
          const read = fid.readPieces(0, Math.min(READ_BYTES, fid.chunk));
          read.catch(() => {});
          reads.push(read);
        }
        const pieces = await reads.shift()!.catch((error) => rejectWithFirst(opened, error));
        if (pieces.every(({ length }) => length === 0)) return this.#end(undefined);
        for (const piece of pieces) {
          while (this.#paused) await this.#paused;
          if (this.#over) return;
          events.data(asBuffer(piece));
        }
      }
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #write(): void {
    const { fid } = this.#file;
    while (
      this.#waiting.byteLength > 0 &&
      this.#writes.length < WRITES &&
      this.#writingBytes < WRITE_BYTES
    ) {
      const write = { bytes: Math.min(fid.chunk, this.#waiting.byteLength), done: false };
      this.#writes.push(write);
      this.#writingBytes += write.bytes;
      fid.writePieces(0, this.#waiting.take(write.bytes)).then(
        (count) => this.#written(write, count),
        (error: Error) => this.#failed(error),
      );
    }
  }

  #written(write: Write, count: number): void {
    if (this.#over) return;
    if (count !== write.bytes) {
      return this.#end(new NinePError(`term took ${count} of ${write.bytes} bytes`, Errno.EIO));
    }
    write.done = true;
    while (this.#writes[0]?.done) {
      const { bytes } = this.#writes.shift()!;
      this.#writingBytes -= bytes;
      this.#takenBytes += bytes;
    }
    while (this.#taken[0] && this.#taken[0].at <= this.#takenBytes) this.#taken.shift()!.callback();
    this.#write();
    if (this.unsent === 0 && this.#closing) this.#end(undefined);
    else if (this.unsent <= ROOM) this.#events?.drain();
  }

  /** That the node listens no more is told by the end of what it says. */
  #failed(error: Error): void {
    if (!(error instanceof NinePError && error.errno === Errno.EPIPE)) this.#end(error);
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = { error };
    this.#waiting.clear();
    this.#taken = [];
    this.resume();
    void release(this.#file.fid);
    if (this.#events) this.#tellEnd();
  }

  #tellEnd(): void {
    process.nextTick(() => this.#events?.close(this.#over?.error));
  }
}

function asBuffer(piece: Uint8Array): Buffer {
  if (Buffer.isBuffer(piece)) return piece;
  return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
