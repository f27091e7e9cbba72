import { randomUUID } from 'node:crypto';
import { endianness } from 'node:os';
import { NinePError, QidType, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { CACHE_MODES, type CacheMode, type CachePolicy } from './cache.js';
import { FuseDevice } from './device.js';
import { dispatch } from './dispatch.js';
import { errnoOf, interrupted } from './errors.js';
import { type Owners, sameOwners } from './owners.js';
import { InitFlag, MAJOR, MAX_PAGES, NotifyCode, Opcode, PAGE_SIZE } from './protocol/constants.js';
import { decodeRequest } from './protocol/decode.js';
import { attributesNotice, initReply, storeNotice } from './protocol/replies.js';
import type { FuseRequest, Init } from './protocol/requests.js';
import { readU64 } from './protocol/words.js';
import { Pipeline } from './remote/pipeline.js';
import { remoteOf, type UserIds } from './remote/remote.js';
import type { Foresight } from './tree/foresight.js';
import { NodeTable } from './tree/node-table.js';
import { bytesIn } from './tree/read-ahead.js';
import { type Answer, Volume, type VolumeParts } from './volume.js';

/** How a tree is shown. */
export interface ServeOptions {
  /** One of CACHE_MODES, or a policy of your own. Default `open`. */
  readonly cache?: CacheMode | CachePolicy;
  /** Whose the server's files are here. Default: the same numbers. */
  readonly owners?: Owners;
  /** Numbers of the users and groups that a server of 9P2000 names. Default: those of this process for all. */
  readonly ids?: UserIds;
  /** Fids kept for files that are not open. Default 4096. */
  readonly maxFids?: number;
  /** What was looked up first before, in mounts of the same tree. */
  readonly foresight?: Foresight;
  /** Every request of the kernel and what became of it (a Linux error number, 0 for success), for a log. */
  readonly trace?: FuseTrace;
}

/** Told of the kernel's requests, and of what each was answered. */
export interface FuseTrace {
  request(request: FuseRequest): void;
  reply(unique: Uint64, error: number, bytes: number): void;
}

/** A quarter of what servers of this library allow one connection. */
const MAX_FIDS = 4096;
/**
 * How long a process that was sent a signal waits for the server to take its request back, in milliseconds. A server
 * that is alive answers sooner; one that is not must not keep the process from ending.
 */
const INTERRUPT_GRACE = 500;
/** Readahead and late writes under way at once: enough to fill a network, few enough for everybody else. */
const MAX_BACKGROUND = 16;

/**
 * Serves a 9P tree to the kernel through an open /dev/fuse on which a file system is mounted, or just about to be.
 * Any number of them can be served in one process, which must not touch what it serves by synchronous calls.
 * @param root a fid that is not open; it stays the caller's
 * @throws NinePError what the server answers; Error that says what is wrong with this machine
 */
export async function serveFuse(
  fd: number,
  root: Fid,
  options: ServeOptions = {},
): Promise<FuseServer> {
  if (endianness() !== 'LE') throw new Error('FUSE is served on little-endian machines only');
  const { client } = root;
  const self = { user: () => process.getuid?.() ?? 0, group: () => process.getgid?.() ?? 0 };
  const remote = remoteOf(client, options.ids ?? self);
  const file = await remote.getattr(root, {});
  if (!(file.qid.type & QidType.DIR)) throw new Error('what the server serves is not a directory');
  const { cache = 'open', owners = sameOwners, maxFids = MAX_FIDS, foresight, trace } = options;
  return new FuseServer(
    fd,
    {
      remote,
      pipeline: new Pipeline(),
      nodes: new NodeTable(root, file, maxFids),
      owners,
      cache: typeof cache === 'string' ? CACHE_MODES[cache] : cache,
      clientId: `9pfuse-${randomUUID()}`,
      foresight,
    },
    client.maxCount,
    trace,
  );
}

interface Pending {
  readonly controller: AbortController;
  /** The process was told already. */
  answered: boolean;
}

/** What {@link serveFuse} makes: one mount, served until it is unmounted. */
export class FuseServer {
  /**
   * Resolves when the mount is gone: somebody unmounted it, or the last process of its namespace ended, or `abort`.
   * Rejects if /dev/fuse fails.
   */
  readonly closed: Promise<void>;
  /** Resolves when the kernel has agreed on how to talk, which it does right after the mount. */
  readonly ready: Promise<void>;
  readonly #device: FuseDevice;
  readonly #volume: Volume;
  readonly #trace: FuseTrace | undefined;
  readonly #maxWrite: number;
  readonly #agreed: () => void;
  readonly #pending = new Map<Uint64, Pending>();

  constructor(
    fd: number,
    parts: Omit<VolumeParts, 'kernel'>,
    maxCount: number,
    trace: FuseTrace | undefined,
  ) {
    const whole = Math.floor(maxCount / PAGE_SIZE) * PAGE_SIZE;
    this.#maxWrite = Math.min(Math.max(whole, PAGE_SIZE), MAX_PAGES * PAGE_SIZE);
    this.#trace = trace;
    this.#volume = new Volume({
      ...parts,
      kernel: {
        // Contents stay: to drop them the kernel might wait for a read that only this process can answer.
        forgetAttributes: ({ id }) => {
          this.#device.notify(NotifyCode.INVAL_INODE, [attributesNotice(id)]);
        },
        store: ({ id }, { offset, pieces }) => {
          const body = [storeNotice(id, offset, bytesIn(pieces)), ...pieces];
          return this.#device.notify(NotifyCode.STORE, body);
        },
      },
    });
    const { promise, resolve, reject } = withResolvers();
    const ready = withResolvers();
    this.closed = promise;
    this.ready = ready.promise;
    this.#agreed = ready.resolve;
    this.#device = new FuseDevice(fd, this.#maxWrite, {
      message: (message) => this.#message(message),
      end: (error) => {
        this.#abandon();
        ready.reject(error ?? new Error('unmounted before it was served'));
        if (error) reject(error);
        else resolve();
      },
    });
  }

  /** Requests that are not answered yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Files that the kernel knows, that are open, and fids kept for those that are not. */
  get counts(): { readonly nodes: number; readonly handles: number; readonly fids: number } {
    const { nodes, handles } = this.#volume;
    return { nodes: nodes.size, handles: handles.size, fids: nodes.fids };
  }

  /**
   * Ends it, whoever uses it still: all that waits for an answer, and all that is tried later, fails with ENOTCONN. What
   * the kernel has not written yet is lost. The mount, if it is in anybody's tree, stays there and is dead.
   */
  abort(): void {
    this.#device.close();
  }

  #message(message: Buffer): void | Promise<void> {
    let request: FuseRequest;
    try {
      request = decodeRequest(message);
    } catch (error) {
      // Whoever asked must not wait for ever.
      this.#reply(readU64(message, 8), errnoOf(error), []);
      return;
    }
    this.#trace?.request(request);
    switch (request.opcode) {
      case Opcode.FORGET:
        return this.#volume.nodes.forget(request.node, request.count);
      case Opcode.BATCH_FORGET:
        for (const { node, count } of request.forgets) this.#volume.nodes.forget(node, count);
        return;
      case Opcode.INTERRUPT:
        return this.#interrupt(request.target);
      case Opcode.INIT:
        return this.#init(request);
      default: {
        const served = this.#serve(request);
        // All else is copied out of the message by now.
        return request.opcode === Opcode.WRITE ? served : undefined;
      }
    }
  }

  async #serve(request: FuseRequest): Promise<void> {
    const { unique } = request;
    const pending: Pending = { controller: new AbortController(), answered: false };
    this.#pending.set(unique, pending);
    let answer: Answer | undefined;
    let error = 0;
    try {
      answer = await dispatch(this.#volume, request, pending.controller.signal);
    } catch (reason) {
      error = errnoOf(reason);
    }
    const taken = !pending.answered && this.#reply(unique, error, answer?.body ?? []);
    if (!taken) answer?.refused?.();
    if (this.#pending.get(unique) === pending) this.#pending.delete(unique);
  }

  #reply(unique: Uint64, error: number, body: readonly Uint8Array[]): boolean {
    this.#trace?.reply(
      unique,
      error,
      body.reduce((sum, { length }) => sum + length, 0),
    );
    return this.#device.reply(unique, error, body);
  }

  #interrupt(target: Uint64): void {
    const pending = this.#pending.get(target);
    if (!pending || pending.controller.signal.aborted) return;
    pending.controller.abort(interrupted());
    setTimeout(() => {
      if (this.#pending.get(target) !== pending) return;
      pending.answered = true;
      this.#pending.delete(target);
      this.#reply(target, errnoOf(interrupted()), []);
    }, INTERRUPT_GRACE).unref();
  }

  #init({ unique, major, maxReadahead, flags }: Init): void {
    if (major < MAJOR) {
      this.#reply(unique, errnoOf(new NinePError('FUSE is too old')), []);
      return;
    }
    const { cache, remote } = this.#volume;
    const wanted =
      InitFlag.ASYNC_READ |
      InitFlag.ATOMIC_O_TRUNC |
      InitFlag.BIG_WRITES |
      InitFlag.DO_READDIRPLUS |
      InitFlag.READDIRPLUS_AUTO |
      InitFlag.ASYNC_DIO |
      InitFlag.PARALLEL_DIROPS |
      InitFlag.MAX_PAGES |
      InitFlag.CACHE_SYMLINKS |
      (remote.locks ? InitFlag.POSIX_LOCKS | InitFlag.FLOCK_LOCKS : 0) |
      (cache.validate ? InitFlag.AUTO_INVAL_DATA : 0) |
      (cache.writeBack ? InitFlag.WRITEBACK_CACHE : 0);
    const reply = initReply({
      maxReadahead,
      flags: (flags & wanted) >>> 0,
      maxBackground: MAX_BACKGROUND,
      congestionThreshold: (MAX_BACKGROUND * 3) / 4,
      maxWrite: this.#maxWrite,
      maxPages: this.#maxWrite / PAGE_SIZE,
    });
    this.#reply(unique, 0, [reply]);
    this.#agreed();
  }

  /** Nobody waits for any answer. */
  #abandon(): void {
    this.#volume.foreseen.drop();
    this.#volume.reading.drop();
    this.#volume.spares.drop();
    for (const { controller } of this.#pending.values()) controller.abort(interrupted());
  }
}

function withResolvers() {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever does not ask is not told.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
