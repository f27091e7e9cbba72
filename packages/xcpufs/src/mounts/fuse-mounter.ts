import { join } from 'node:path';
import type { Dialect } from '@xcpu/9p-protocol';
import { HelperProcess } from './helper-process.js';
import {
  type Connect,
  MountError,
  type Mounted,
  type Mounter,
  type MountRequest,
} from './mounter.js';

/** Mounts on one node, by default: what as many sessions take of its memory and processes is more. */
const MAX_MOUNTS = 512;
/** Mounts of one helper: its loop serves one request of all of them after the other. */
const MOUNTS_PER_HELPER = 64;
/** Helpers at once; each takes some 20 MB of its own. Those that serve nothing make room for others. */
const MAX_HELPERS = 64;
/** How often those that serve nothing are ended, in milliseconds: starting one takes a tenth of a second. */
const IDLE_MS = 300_000;
/** Whom `unshare --map-root-user` makes of the daemon's user. */
const MAPPED = { uid: 0, gid: 0 };

export interface FuseMounterOptions {
  /** A directory that only the daemon may enter, where helpers listen. */
  readonly directory: string;
  /** The helper's program; default the one that is shipped beside the daemon's. */
  readonly program?: string | undefined;
  /** The daemon is not root: helpers have a user namespace of their own, and all mounts are made in it. */
  readonly ownNamespace: boolean;
  readonly maxMounts?: number | undefined;
  /** What helpers say on stderr, and how they ended if nobody asked them to. */
  readonly log: (text: string) => void;
}

/**
 * Mounts through FUSE. Processes of their own serve the mounts, outside of the daemon's loop: each user's are served by
 * his own, one as a rule, started by his first mount. The mounts of one that dies die with it: whoever uses them is told
 * ENOTCONN. What a user's programs or a hostile server can make a helper keep, they take from that user alone.
 */
export class FuseMounter implements Mounter {
  readonly kind = 'fuse';
  /** It asks for less by itself. */
  readonly dialects: readonly [Dialect] = ['9P2000.L'];
  readonly #options: FuseMounterOptions;
  readonly #helpers = new Set<HelperProcess>();
  /** By the number of the user that they are for. */
  readonly #starting = new Map<number, Promise<HelperProcess>>();
  #idleTimer: NodeJS.Timeout | undefined;
  #started = 0;
  #closed = false;

  constructor(options: FuseMounterOptions) {
    this.#options = options;
  }

  async mount(request: MountRequest, connect: Connect): Promise<Mounted> {
    const { dialect = this.dialects[0] } = request;
    const mapped = this.#options.ownNamespace ? MAPPED : undefined;
    const helper = await this.#reserve(request.user.uid);
    return helper.mount({ ...request, dialect, mapped }, connect);
  }

  async userNamespace(): Promise<{ readonly pid: number } | undefined> {
    if (!this.#options.ownNamespace) return undefined;
    const [any] = this.#helpers;
    return { pid: (any ?? (await this.#start(MAPPED.uid))).pid };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#idleTimer);
    await Promise.allSettled(this.#starting.values());
    await Promise.all([...this.#helpers].map((helper) => helper.end()));
  }

  /** A helper of the user's that has room for one more mount, which is counted. */
  async #reserve(uid: number): Promise<HelperProcess> {
    // In a user namespace there is but one.
    const user = this.#options.ownNamespace ? MAPPED.uid : uid;
    for (;;) {
      this.#checkRoom();
      for (const helper of this.#helpers) {
        if (helper.uid !== user || helper.mounts >= MOUNTS_PER_HELPER) continue;
        helper.mounts++;
        return helper;
      }
      await this.#start(user);
    }
  }

  /** @throws MountError if there are as many mounts as a node serves */
  #checkRoom(): void {
    const { maxMounts = MAX_MOUNTS } = this.#options;
    let mounts = 0;
    for (const helper of this.#helpers) mounts += helper.mounts;
    if (mounts < maxMounts) return;
    throw new MountError(`this node serves ${maxMounts} mounts of users' files, and no more`);
  }

  #start(uid: number): Promise<HelperProcess> {
    let starting = this.#starting.get(uid);
    if (!starting) {
      starting = this.#startOne(uid).finally(() => this.#starting.delete(uid));
      this.#starting.set(uid, starting);
    }
    return starting;
  }

  async #startOne(uid: number): Promise<HelperProcess> {
    const { directory, program, ownNamespace, log } = this.#options;
    if (this.#helpers.size + this.#starting.size >= MAX_HELPERS) await this.#endIdle();
    if (this.#helpers.size + this.#starting.size > MAX_HELPERS) {
      throw new MountError(
        `this node serves the files of ${MAX_HELPERS} users at once, and no more`,
      );
    }
    if (this.#closed) throw new MountError('this node is stopping');
    const [other] = this.#helpers;
    const helper = await HelperProcess.start({
      uid,
      socket: join(directory, `fuse-${++this.#started}`),
      program,
      namespace: ownNamespace ? (other?.pid ?? 'new') : 'own',
      log,
    });
    this.#helpers.add(helper);
    this.#idleTimer ??= setInterval(() => void this.#endIdle(), IDLE_MS).unref();
    void helper.ended.then((how) => {
      this.#helpers.delete(helper);
      if (!this.#closed && helper.mounts > 0)
        log(`ended (${how}): the files of ${helper.mounts} mounts are gone`);
    });
    return helper;
  }

  /** Others may need what nobody uses now; the user namespace of one's own is for later mounts, too. */
  async #endIdle(): Promise<void> {
    if (this.#options.ownNamespace) return;
    const idle = [...this.#helpers].filter(({ mounts }) => mounts === 0);
    for (const helper of idle) this.#helpers.delete(helper);
    await Promise.all(idle.map((helper) => helper.end()));
  }
}
