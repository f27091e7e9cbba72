import type { Duplex } from 'node:stream';
import { Errno, NinePError, PieceQueue } from '@xcpu/9p-protocol';
import type { Awaitable, Request } from '@xcpu/9p-protocol/server';
import { TERM_STALLED, TERM_WINDOW } from '../limits.js';

/** One opening of the session file `term`: the end of the one who serves. */
export interface TermEnd {
  /**
   * The next bytes that the node says, at most `count`, as they came; none at the end. Several reads may wait: they are
   * answered in the order in which they came, and one that is flushed has consumed nothing.
   */
  read(count: number, request: Request): Awaitable<readonly Uint8Array[]>;
  /**
   * Bytes for the node, in the order of the calls. Answers how many once the node's side has taken them.
   * @throws NinePError (EPIPE) once the node says and hears nothing more
   */
  write(pieces: readonly Uint8Array[], request: Request): Promise<number>;
  /** The conversation ends, and the file may be opened again. */
  close(): void;
}

/** How the node's side of the conversation is relayed. */
export interface TermRelay {
  /**
   * The stream is always read, and destroyed where more waits than TERM_STALLED. For the kernel's 9P client: processes
   * that wait for a relay which stalls cannot be killed, those of one that closes get EIO.
   */
  readonly neverStall?: boolean;
}

/**
 * A session's channel back to its client: whoever opens it serves 9P, and the node is the client. It carries bytes;
 * where they are cut means nothing. One opening carries one conversation.
 */
export class Term {
  #opening: Opening | undefined;
  #ended = false;

  /**
   * Opens the channel for the one who serves.
   * @throws NinePError (EBUSY) `term: in use` while somebody has it open
   */
  open(): TermEnd {
    if (this.#opening) throw new NinePError('term: in use', Errno.EBUSY);
    const opening: Opening = new Opening(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    if (this.#ended) opening.end();
    else this.#opening = opening;
    return opening;
  }

  /**
   * Joins what the node mounts with to whoever has the channel open; what he wrote so far goes in first. The stream is
   * the channel's from now on: destroyed when the opening or the session ends, and its end is the opening's.
   * @throws NinePError `term: not open` (ENXIO) if nobody serves, `term: in use` (EBUSY) if something was joined to this
   *   opening before; the stream is then left alone
   */
  connect(stream: Duplex, relay: TermRelay = {}): void {
    if (!this.#opening) throw new NinePError('term: not open', Errno.ENXIO);
    this.#opening.connect(stream, relay);
  }

  /** Ends the conversation of now; the file may be opened anew by whoever may by then. */
  drop(): void {
    this.#opening?.end();
    this.#opening = undefined;
  }

  /** The session ends: nothing is said or heard any more. */
  end(): void {
    this.#ended = true;
    this.drop();
  }
}

interface WaitingRead {
  readonly count: number;
  readonly request: Request;
  readonly resolve: (pieces: readonly Uint8Array[]) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingWrite {
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

class Opening implements TermEnd {
  readonly #left: () => void;
  #stream: Duplex | undefined;
  #neverStall = false;
  /** What the node said before it was asked for. */
  readonly #early = new PieceQueue();
  #reads: WaitingRead[] = [];
  /** Came before the stream. */
  #held: WaitingWrite[] = [];
  /** Given to the stream. */
  readonly #writes = new Set<WaitingWrite>();
  #over = false;
  #drain: (() => void) | undefined;

  /** @param left called when the file is closed */
  constructor(left: () => void) {
    this.#left = left;
  }

  connect(stream: Duplex, { neverStall = false }: TermRelay): void {
    if (this.#stream) throw new NinePError('term: in use', Errno.EBUSY);
    this.#stream = stream;
    this.#neverStall = neverStall;
    stream.on('data', (chunk: Buffer) => this.#receive(stream, chunk));
    // The close that follows tells.
    stream.on('error', () => {});
    stream.on('end', () => this.#finish());
    stream.on('close', () => this.#finish());
    for (const waiting of this.#held.splice(0)) this.#pass(stream, waiting);
    if (stream.destroyed) this.#finish();
  }

  read(count: number, request: Request): Awaitable<readonly Uint8Array[]> {
    const answered = this.#early.byteLength > 0 || this.#over || count === 0;
    if (answered && this.#reads.length === 0 && !request.congested) return this.#take(count);
    return new Promise((resolve, reject) => {
      const waiting = { count, request, resolve, reject };
      this.#reads.push(waiting);
      request.onCancel((reason) => this.#forget(waiting, reason));
      this.#answer();
    });
  }

  write(pieces: readonly Uint8Array[], request: Request): Promise<number> {
    if (this.#over) throw brokenPipe();
    return new Promise((resolve, reject) => {
      let bytes = 0;
      for (const { length } of pieces) bytes += length;
      const waiting = { pieces, bytes, resolve, reject };
      request.onCancel((reason) => this.#drop(waiting, reason));
      if (this.#stream) this.#pass(this.#stream, waiting);
      else this.#held.push(waiting);
    });
  }

  close(): void {
    this.end();
    for (const { reject } of this.#reads.splice(0)) reject(new NinePError('closed', Errno.EBADF));
    this.#drain?.();
    this.#left();
  }

  /** Both sides are told the end; what was not heard by then is lost. */
  end(): void {
    this.#early.clear();
    this.#finish();
  }

  #receive(stream: Duplex, chunk: Buffer): void {
    if (this.#over) return;
    this.#early.push(chunk);
    this.#answer();
    const { byteLength } = this.#early;
    if (!this.#neverStall && byteLength > TERM_WINDOW) stream.pause();
    else if (byteLength > TERM_STALLED) this.end();
  }

  /** Answers waiting reads as far as there is something to answer. */
  #answer(): void {
    while (this.#reads.length > 0 && (this.#early.byteLength > 0 || this.#over)) {
      const { request, count, resolve } = this.#reads[0]!;
      if (request.congested) return this.#awaitDrain(request);
      this.#reads.shift();
      resolve(this.#take(count));
    }
  }

  #take(count: number): Uint8Array[] {
    const taken = this.#early.take(count);
    if (this.#stream?.isPaused() && this.#early.byteLength <= TERM_WINDOW) this.#stream.resume();
    return taken;
  }

  #awaitDrain({ connection }: Request): void {
    this.#drain ??= connection.onDrain(() => {
      this.#drain = undefined;
      this.#answer();
    });
  }

  #pass(stream: Duplex, waiting: WaitingWrite): void {
    const { pieces, bytes, resolve, reject } = waiting;
    this.#writes.add(waiting);
    writePieces(stream, pieces, (error) => {
      this.#writes.delete(waiting);
      if (error) reject(brokenPipe());
      else resolve(bytes);
    });
  }

  #forget(waiting: WaitingRead, reason: NinePError): void {
    const index = this.#reads.indexOf(waiting);
    if (index < 0) return;
    this.#reads.splice(index, 1);
    waiting.reject(reason);
  }

  /** A flushed write has no effect, unless the stream has it. It is answered even then: nobody waits for it any more. */
  #drop(waiting: WaitingWrite, reason: NinePError): void {
    const index = this.#held.indexOf(waiting);
    if (index >= 0) this.#held.splice(index, 1);
    waiting.reject(reason);
  }

  /** The node says nothing more, or nobody listens. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream?.destroy();
    for (const { reject } of [...this.#held.splice(0), ...this.#writes]) reject(brokenPipe());
    this.#answer();
  }
}

/** Writes all pieces as one. */
function writePieces(
  stream: Duplex,
  pieces: readonly Uint8Array[],
  done: (error: Error | null | undefined) => void,
): void {
  stream.cork();
  const last = pieces.length - 1;
  for (let index = 0; index < last; index++) stream.write(pieces[index]);
  stream.write(pieces[last] ?? EMPTY, done);
  stream.uncork();
}

const EMPTY = new Uint8Array(0);

function brokenPipe(): NinePError {
  return new NinePError('broken pipe', Errno.EPIPE);
}
