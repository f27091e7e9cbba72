import { protocolError } from '../errors.js';
import { clientLimits } from '../limits.js';
import type { PeerIdentity, Transport, TransportEvents } from './transport.js';

/**
 * What a stream of messages has to look like: a browser's WebSocket, one of the package `ws`, a MessagePort, or any
 * object made to look like them.
 */
export interface MessageSocket {
  /** Sends a message of bytes. One that has `terminate`, as those of `ws` have, calls back when it has gone out. */
  send?(data: Uint8Array<ArrayBuffer>, sent?: (error?: Error) => void): void;
  /** A MessagePort's `send`. */
  postMessage?(data: Uint8Array<ArrayBuffer>): void;
  /** Ends it after what was sent has gone out. */
  close(): void;
  /** Ends it at once. */
  terminate?(): void;
  /** Delivers nothing until `resume`. */
  pause?(): void;
  /** Goes on after `pause`. */
  resume?(): void;
  /** A MessagePort delivers nothing before this. */
  start?(): void;
  /** Bytes that were given to `send` and have not gone out. */
  readonly bufferedAmount?: number;
  /** 0 while it is not yet connected. */
  readonly readyState?: number;
  binaryType?: string;
  /** How browsers listen: to `message`, `open`, `close` and `error`. */
  // biome-ignore lint/suspicious/noExplicitAny: each kind of socket has events of its own, and objects that listen.
  addEventListener?(type: string, listener: (event: any) => void): void;
  /** How Node listens, where there is no `addEventListener`. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  on?(type: string, listener: (...values: any[]) => void): void;
}

/** How a stream of messages is used. */
export interface MessageTransportOptions {
  /** Who is at the other end. Default: nothing is known. */
  readonly peer?: PeerIdentity | undefined;
  readonly localAddress?: string | undefined;
  /** Most bytes of one message; longer pieces are sent in several. Default 1 MiB. */
  readonly maxMessage?: number | undefined;
  /** Most bytes that are held for a receiver that paused, on a socket that cannot be paused. */
  readonly maxPaused?: number | undefined;
}

/**
 * A stream of messages, such as a WebSocket, as a transport: bytes go in messages whose boundaries mean nothing.
 * Text is an error of protocol.
 */
export function messageTransport(
  socket: MessageSocket,
  options: MessageTransportOptions = {},
): Transport {
  return new MessageTransport(socket, options);
}

/** Below this many unsent bytes nobody waits for them to go out. */
const DRAIN_ABOVE = 64 * 1024;
/** How often a socket that cannot tell is asked whether they have, in milliseconds. */
const DRAIN_POLL_MS = 20;

const UNKNOWN: PeerIdentity = { address: 'message', group: 'message' };

class MessageTransport implements Transport {
  readonly peer: PeerIdentity;
  readonly localAddress: string;
  readonly #socket: MessageSocket;
  readonly #maxMessage: number;
  readonly #maxPaused: number;
  #events: TransportEvents | undefined;
  /** Arrived before `start`, or while paused. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #paused = true;
  #delivering = false;
  /** Given to `send` before the socket was connected. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #callingBack = 0;
  #poll: NodeJS.Timeout | undefined;
  #error: Error | undefined;
  /** The socket is closed; told once everything that arrived before was delivered. */
  #ended = false;
  #told = false;

  constructor(socket: MessageSocket, options: MessageTransportOptions) {
    this.#socket = socket;
    this.peer = options.peer ?? UNKNOWN;
    this.localAddress = options.localAddress ?? 'local';
    this.#maxMessage = options.maxMessage ?? 1024 * 1024;
    this.#maxPaused = options.maxPaused ?? clientLimits.pausedBytes;
    if (socket.binaryType === 'blob') socket.binaryType = 'arraybuffer';
    this.#listen();
    if (socket.readyState !== undefined && socket.readyState > 1) this.#end();
  }

  get unsent(): number {
    // A socket goes on counting what it will never send.
    if (this.#ended) return 0;
    return this.#earlyBytes + (this.#socket.bufferedAmount ?? 0);
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.resume();
  }

  send(pieces: readonly Uint8Array[]): void {
    if (this.#ended) return;
    if (this.#socket.readyState === 0) {
      for (const piece of pieces) {
        this.#early.push(piece);
        this.#earlyBytes += piece.length;
      }
      return;
    }
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += this.#maxMessage) {
        const message = piece.subarray(at, at + this.#maxMessage);
        // Browsers take no view of memory that threads share, which nothing here makes.
        this.#sendOne(message as Uint8Array<ArrayBuffer>);
      }
    }
    if (!this.#socket.terminate && this.unsent > DRAIN_ABOVE) this.#watchDrain();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause?.();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume?.();
    this.#deliverSoon();
  }

  close(): void {
    if (this.#socket.readyState === 0) this.destroy();
    else this.#socket.close();
  }

  destroy(error?: Error): void {
    this.#held = [];
    this.#heldBytes = 0;
    // What was held may have kept it from telling.
    if (this.#ended) return this.#deliverSoon();
    this.#error ??= error;
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
    this.#end();
  }

  #sendOne(piece: Uint8Array<ArrayBuffer>): void {
    const socket = this.#socket;
    try {
      if (socket.postMessage) socket.postMessage(piece);
      else if (socket.terminate) {
        this.#callingBack++;
        socket.send?.(piece, () => {
          this.#callingBack--;
          if (this.#callingBack === 0) this.#events?.drain();
        });
      } else socket.send?.(piece);
    } catch (error) {
      this.destroy(asError(error));
    }
  }

  #watchDrain(): void {
    this.#poll ??= setInterval(() => {
      if (this.unsent > DRAIN_ABOVE) return;
      this.#stopWatching();
      this.#events?.drain();
    }, DRAIN_POLL_MS);
  }

  #stopWatching(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  #listen(): void {
    const socket = this.#socket;
    const message = (data: unknown, text = typeof data === 'string') => this.#receive(data, text);
    const closed = (code?: number) => this.#closed(code);
    const failed = (error: unknown) => {
      this.#error ??= asError(error);
    };
    const opened = () => this.#sendEarly();
    if (socket.addEventListener) {
      socket.addEventListener('message', ({ data }: { data: unknown }) => message(data));
      socket.addEventListener('close', ({ code }: { code?: number }) => closed(code));
      socket.addEventListener('error', (event: { error?: unknown; message?: string }) =>
        failed(event.error ?? event.message),
      );
      socket.addEventListener('open', opened);
    } else {
      socket.on?.('message', (data: unknown, binary?: boolean) =>
        message(data, typeof data === 'string' || binary === false),
      );
      socket.on?.('close', closed);
      socket.on?.('error', failed);
      socket.on?.('open', opened);
    }
    socket.start?.();
  }

  #sendEarly(): void {
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    this.send(early);
  }

  #receive(data: unknown, text: boolean): void {
    if (this.#ended) return;
    const chunks = text ? undefined : chunksOf(data);
    if (!chunks) return this.destroy(protocolError('message of text, not of bytes'));
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
    }
    if (!this.#paused) return this.#deliver();
    if (this.#heldBytes > this.#maxPaused || this.#held.length > clientLimits.pausedMessages) {
      this.destroy(protocolError('peer sends on to a receiver that has paused'));
    }
  }

  #deliverSoon(): void {
    queueMicrotask(() => this.#deliver());
  }

  /** In order, and one at a time: a receiver may pause, or end it, at any of them. */
  #deliver(): void {
    if (!this.#events || this.#delivering) return;
    this.#delivering = true;
    while (!this.#paused) {
      const chunk = this.#held.shift();
      if (!chunk) break;
      this.#heldBytes -= chunk.length;
      this.#events.data(chunk);
    }
    this.#delivering = false;
    if (this.#ended && this.#held.length === 0 && !this.#told) {
      this.#told = true;
      this.#events.close(this.#error);
    }
  }

  #closed(code: number | undefined): void {
    // 1006: the connection went away without a word.
    if (code === 1006) this.#error ??= new Error('connection lost');
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#early = [];
    this.#earlyBytes = 0;
    this.#stopWatching();
    this.#deliverSoon();
    // Nothing is unsent any more: a receiver that paused because of that goes on, and comes to the end.
    if (this.#paused && this.#held.length > 0) queueMicrotask(() => this.#events?.drain());
  }
}

/** A message's bytes without a copy, undefined where it has none. */
function chunksOf(data: unknown): Buffer[] | undefined {
  if (data instanceof ArrayBuffer) return [Buffer.from(data)];
  if (ArrayBuffer.isView(data)) {
    return [Buffer.from(data.buffer, data.byteOffset, data.byteLength)];
  }
  // The package ws hands over a message of several fragments as a list, if it is told to.
  if (Array.isArray(data) && data.every(Buffer.isBuffer)) return data;
  return undefined;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason ?? 'connection lost'));
}
