import { MessageType, NOFID, type RMessage, type TMessage } from '@xcpu/9p-protocol';
import { formatWords, type PrivateKey, parseWords, signChallenge } from '@xcpu/xcpu-protocol';
import type { Endpoint } from '../support/client.js';
import type { TestKey } from '../support/keys.js';
import { RawConnection } from '../support/raw.js';
import type { Event, Transcript } from './transcripts.js';

export interface ReplayOptions {
  /** Signs in place of the recorded client's key, which nobody has any more. */
  readonly key: PrivateKey;
  /** Stands where a recorded `user-add` carries the user's public key. */
  readonly userKey: TestKey;
  /** Sessions that were there before: recorded id to ours. Those made in the transcript are added. */
  readonly sessions: Map<string, string>;
  /** Processes that were there before: recorded pid to ours. */
  readonly pids: ReadonlyMap<string, string>;
}

/** A file as a fid of the recorded client saw it, from walk to clunk. */
export interface FileUse {
  /** From the root; a session's directory shows as `N`, the authentication file as `afid`. */
  readonly path: string;
  /** Bytes read so far: recorded, and ours. */
  recordedBytes: number;
  ourBytes: number;
  /** Count of the first read of a loop that fills one buffer. */
  wanted: number;
}

/** One request of the transcript with both answers. */
export interface Exchange {
  readonly recordedRequest: TMessage;
  /** What was sent in its place. */
  readonly request: TMessage;
  readonly recorded: RMessage | undefined;
  /** Undefined where no answer came. */
  readonly reply: RMessage | undefined;
  readonly file: FileUse;
}

/** How long an answer may take, in milliseconds. */
const PATIENCE = 15_000;

/** Files whose length is not the recorded one, so that a client reads more often or less: read on to the end. */
const READ_TO_END = new Set(['procs']);

/**
 * Sends what the recorded client sent, each request as soon as all answers recorded before it have come, and
 * answers both sides of each exchange. Replaced on the way: proofs and public keys, which must be ours; session
 * ids, by what `clone` read as; pids; tags, which are given out anew; offsets and counts of reads, which follow
 * from how much was read.
 *
 * An answer on `stdout` or `stderr` is waited for only until as many bytes have come as the recorded client
 * had by then: how output is cut into answers is a matter of timing.
 */
export async function replay(
  transcript: Transcript,
  node: Endpoint,
  options: ReplayOptions,
): Promise<Exchange[]> {
  const player = new Player(transcript, node, options);
  try {
    return await player.play();
  } finally {
    player.destroy();
  }
}

/** A request under way. */
interface Sent {
  readonly recordedRequest: TMessage;
  readonly request: TMessage;
  readonly file: FileUse;
  readonly answered: Promise<void>;
  recorded: RMessage | undefined;
  reply: RMessage | undefined;
}

class Player {
  readonly #transcript: Transcript;
  readonly #node: Endpoint;
  readonly #options: ReplayOptions;
  readonly #connections = new Map<number, RawConnection>();
  readonly #challenges = new Map<number, Uint8Array>();
  /** By connection and fid. */
  readonly #files = new Map<string, FileUse>();
  readonly #sent = new Map<number, Sent>();
  readonly #extra: Sent[] = [];

  constructor(transcript: Transcript, node: Endpoint, options: ReplayOptions) {
    this.#transcript = transcript;
    this.#node = node;
    this.#options = options;
  }

  async play(): Promise<Exchange[]> {
    for (const [index, event] of this.#transcript.events.entries()) {
      if (event.kind === 'open') {
        this.#connections.set(event.connection, await RawConnection.open(this.#node));
      } else if (event.kind === 'request') {
        await this.#readOn(event.connection, event.message);
        this.#send(index, event);
      } else if (event.kind === 'reply') {
        if (!(await this.#await(event))) break;
      } else {
        await this.#connections.get(event.connection)?.close();
      }
    }
    return [...this.#sent.values(), ...this.#extra];
  }

  destroy(): void {
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #send(index: number, event: Event & { kind: 'request' }): void {
    const { connection, message } = event;
    const file = this.#fileOf(connection, message);
    const request = this.#rewrite(connection, message, file);
    const raw = this.#connections.get(connection)!;
    const tag = message.type === MessageType.Tversion ? message.tag : raw.takeTag();
    const frame = Buffer.from(event.frame);
    frame.writeUInt16LE(tag, 5);
    const unchanged = request === message;
    const reply = unchanged ? raw.frame(frame) : raw.request({ ...request, tag });
    this.#sent.set(index, this.#track(connection, message, request, file, reply));
  }

  #track(
    connection: number,
    recordedRequest: TMessage,
    request: TMessage,
    file: FileUse,
    reply: Promise<unknown>,
  ): Sent {
    const sent: Sent = {
      recordedRequest,
      request,
      file,
      recorded: undefined,
      reply: undefined,
      answered: reply.then((message) => {
        sent.reply = message as RMessage | undefined;
        if (sent.reply?.type !== MessageType.Rread) return;
        file.ourBytes += sent.reply.data.length;
        if (file.path === 'afid' && sent.reply.data.length > 0) {
          this.#challenges.set(connection, sent.reply.data);
        }
      }),
    };
    return sent;
  }

  /** Whether the answer came. */
  async #await(event: Event & { kind: 'reply' }): Promise<boolean> {
    const sent = this.#sent.get(event.of)!;
    const { file } = sent;
    sent.recorded = event.message;
    const recordedData = event.message.type === MessageType.Rread ? event.message.data : undefined;
    if (recordedData) file.recordedBytes += recordedData.length;
    if (/^N\/(stdout|stderr)$/.test(file.path) && recordedData && recordedData.length > 0) {
      return within(this.#bytesOrAnswer(file, sent));
    }
    const came = await within(sent.answered);
    if (file.path === 'clone' && recordedData?.length && sent.reply?.type === MessageType.Rread) {
      const ours = Buffer.from(sent.reply.data).toString();
      this.#options.sessions.set(Buffer.from(recordedData).toString(), ours);
    }
    return came;
  }

  /** Resolves when our answers on the file hold as many bytes as the recorded ones, or the answer itself is there. */
  async #bytesOrAnswer(file: FileUse, sent: Sent): Promise<void> {
    const pending = [...this.#sent.values()].filter(
      (other) => other.file === file && !other.reply && other !== sent,
    );
    for (const other of pending) {
      if (file.ourBytes >= file.recordedBytes) return;
      await Promise.race([other.answered, sent.answered]);
    }
    if (file.ourBytes < file.recordedBytes) await sent.answered;
  }

  /** Where ours is longer, the client would not have stopped yet. */
  async #readOn(connection: number, next: TMessage): Promise<void> {
    if (next.type !== MessageType.Tclunk) return;
    const file = this.#files.get(`${connection} ${next.fid}`);
    if (!file || !READ_TO_END.has(file.path)) return;
    const raw = this.#connections.get(connection)!;
    for (;;) {
      const request: TMessage = {
        type: MessageType.Tread,
        tag: raw.takeTag(),
        fid: next.fid,
        offset: file.ourBytes,
        count: file.wanted,
      };
      const sent = this.#track(connection, request, request, file, raw.request(request));
      this.#extra.push(sent);
      if (!(await within(sent.answered))) return;
      if (sent.reply?.type !== MessageType.Rread || sent.reply.data.length === 0) return;
    }
  }

  #fileOf(connection: number, message: TMessage): FileUse {
    const at = (fid: number) => this.#files.get(`${connection} ${fid}`) ?? fileUse('');
    const remember = (fid: number, path: string) => {
      const file = fileUse(path);
      this.#files.set(`${connection} ${fid}`, file);
      return file;
    };
    switch (message.type) {
      case MessageType.Tversion:
      case MessageType.Tflush:
        return fileUse('');
      case MessageType.Tauth:
        return remember(message.afid, 'afid');
      case MessageType.Tattach:
        return remember(message.fid, '/');
      case MessageType.Twalk: {
        const names = message.names.map((name) => (/^\d+$/.test(name) ? 'N' : name));
        return remember(message.newfid, names.length > 0 ? names.join('/') : at(message.fid).path);
      }
      default:
        // Legacy clients speak no 9P2000.L, some of whose messages name several fids.
        return at('fid' in message ? message.fid : NOFID);
    }
  }

  #rewrite(connection: number, message: TMessage, file: FileUse): TMessage {
    switch (message.type) {
      case MessageType.Twalk:
        return this.#rewriteWalk(message);
      case MessageType.Tread:
        return rewriteRead(message, file);
      case MessageType.Twrite: {
        let { data } = message;
        if (file.path === 'afid') {
          data = signChallenge(this.#challenges.get(connection)!, this.#options.key);
        } else if (file.path === 'ctl') {
          data = this.#rewriteText(data);
        }
        return data === message.data ? message : { ...message, data };
      }
      default:
        return message;
    }
  }

  #rewriteWalk(message: TMessage & { type: 110 }): TMessage {
    const [first = ''] = message.names;
    const ours = this.#options.sessions.get(first);
    return ours === undefined ? message : { ...message, names: [ours, ...message.names.slice(1)] };
  }

  /** A command for the node's ctl, padded to the length that it had. */
  #rewriteText(data: Uint8Array): Uint8Array {
    const bytes = Buffer.from(data);
    const end = bytes.includes(0) ? bytes.indexOf(0) : bytes.length;
    const words = parseWords(bytes.toString('latin1', 0, end));
    const [command, , second] = words;
    if (command === 'user-add') words[4] = this.#options.userKey.line;
    else if (command === 'kill') words[2] = this.#options.pids.get(second ?? '') ?? second ?? '';
    else return data;
    const text = Buffer.from(`${formatWords(words)}\n`);
    if (end === bytes.length) return text;
    const padded = Buffer.alloc(bytes.length, 'Z');
    Buffer.from(`${text.toString()}\0`).copy(padded);
    return padded;
  }
}

/** The recorded client went on from where it was, and asked for the rest of its buffer. */
function rewriteRead(message: TMessage & { type: 116 }, file: FileUse): TMessage {
  const { offset, count } = message;
  if (file.recordedBytes === 0 || offset !== file.recordedBytes) {
    file.wanted = count;
    return message;
  }
  const rest = file.wanted - file.ourBytes;
  const restOfBuffer = count === file.wanted - file.recordedBytes && rest > 0;
  return { ...message, offset: file.ourBytes, count: restOfBuffer ? rest : file.wanted };
}

function fileUse(path: string): FileUse {
  return { path, recordedBytes: 0, ourBytes: 0, wanted: 0 };
}

async function within(promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE);
  });
  const came = await Promise.race([promise.then(() => true as const), late]);
  clearTimeout(timer);
  return came;
}
