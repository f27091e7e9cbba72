import { join } from 'node:path';
import type { Dialect } from '@xcpu/9p-protocol';
import { HelperProcess } from './helper-process.js';
import {
  type Connect,
  MountError,
  type Mounted,
  type Mounter,
  type MountRequest,
  StreamMounted,
} from './mounter.js';

/** Mounts on one node, by default: what as many sessions take of its memory and processes is more. */
const MAX_MOUNTS = 512;
/**
 * Mounts of one helper. Each takes a thread there, which is little memory, but each of them makes starting mount(8)
 * slower, for which all other mounts wait: 1.5 ms with as many, 7 ms with 512.
 */
const MOUNTS_PER_HELPER = 64;
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
 * Mounts through FUSE. Processes of their own serve the mounts, outside of the daemon's loop: one is enough for most, and
 * is started by the first mount. The mounts of one that dies die with it: whoever uses them is told ENOTCONN.
 */
export class FuseMounter implements Mounter {
  readonly kind = 'fuse';
  /** It asks for less by itself. */
  readonly dialects: readonly [Dialect] = ['9P2000.L'];
  readonly #options: FuseMounterOptions;
  readonly #helpers = new Set<HelperProcess>();
  #starting: Promise<HelperProcess> | undefined;
  #started = 0;
  #closed = false;

  constructor(options: FuseMounterOptions) {
    this.#options = options;
  }

  async mount(request: MountRequest, connect: Connect): Promise<Mounted> {
    const { dialect = this.dialects[0] } = request;
    const mapped = this.#options.ownNamespace ? MAPPED : undefined;
    const helper = await this.#reserve();
    return new StreamMounted(await helper.mount({ ...request, dialect, mapped }, connect));
  }

  async userNamespace(): Promise<{ readonly pid: number } | undefined> {
    if (!this.#options.ownNamespace) return undefined;
    const [any] = this.#helpers;
    return { pid: (any ?? (await this.#start())).pid };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#starting?.catch(() => {});
    await Promise.all([...this.#helpers].map((helper) => helper.end()));
  }

  /** A helper that has room for one more mount, which is counted. */
  async #reserve(): Promise<HelperProcess> {
    for (;;) {
      for (const helper of this.#helpers) {
        if (helper.mounts >= MOUNTS_PER_HELPER) continue;
        helper.mounts++;
        return helper;
      }
      await this.#start();
    }
  }

  #start(): Promise<HelperProcess> {
    this.#starting ??= this.#startOne().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #startOne(): Promise<HelperProcess> {
    const { directory, program, ownNamespace, maxMounts = MAX_MOUNTS, log } = this.#options;
    const most = this.#helpers.size * MOUNTS_PER_HELPER;
    if (most >= maxMounts) {
      throw new MountError(`this node serves ${most} mounts of users' files, and no more`);
    }
    if (this.#closed) throw new MountError('this node is stopping');
    const [other] = this.#helpers;
    const helper = await HelperProcess.start({
      socket: join(directory, `fuse-${++this.#started}`),
      program,
      namespace: ownNamespace ? (other?.pid ?? 'new') : 'own',
      maxMounts: MOUNTS_PER_HELPER,
      log,
    });
    this.#helpers.add(helper);
    void helper.ended.then((how) => {
      this.#helpers.delete(helper);
      if (!this.#closed) log(`ended (${how}): the files of ${helper.mounts} mounts are gone`);
    });
    return helper;
  }
}
