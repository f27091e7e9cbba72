import type { Duplex } from 'node:stream';
import type { Dialect } from '@xcpu/9p-protocol';

/** What is to be mounted, where, and for whom. */
export interface MountRequest {
  /**
   * A process in whose mount namespace it is to be; its root is that namespace's. Nothing of that namespace is run, and
   * no name looked up but `directory`: still, only root and xcpufs may have shaped it so far.
   */
  readonly pid: number;
  /** In that namespace: absolute, free of links, below directories that only root may enter. */
  readonly directory: string;
  /** Whose it is; nobody else has any business in that namespace. Numbers are those of the daemon. */
  readonly user: { readonly uid: number; readonly gid: number; readonly name: string };
  readonly readOnly: boolean;
  /** Nobody else changes the tree meanwhile: what was told once may be believed for long. */
  readonly unchanging?: boolean;
  /** Largest 9P message to ask the server for, in bytes. */
  readonly msize: number;
  /** What `mount` and `df` show as the source. */
  readonly source: string;
  /** What is going to run there: what it looks up first is asked for ahead the next time. */
  readonly program?: string;
  /** Dialect to ask for; default the first of the mounter's `dialects`. */
  readonly dialect?: Dialect;
}

/**
 * Takes the mount's end of the 9P conversation and joins it to the server's: the mount sends requests and awaits
 * answers. It may be destroyed at any time.
 */
export type Connect = (stream: Duplex, options: ConnectOptions) => void;

export interface ConnectOptions {
  /**
   * Always read from the stream, whatever becomes of what was read; rather destroy it. A process that waits for an answer
   * of the kernel's 9P client cannot be killed while its request has not gone out.
   */
  readonly neverStall: boolean;
}

/** One mount. It goes with its namespace; nobody has to take it away. */
export interface Mounted {
  /** Resolves when the conversation is over: unmounted, or the namespace gone, or the other end, or closed. */
  readonly ended: Promise<void>;
  /** Ends the conversation: whoever uses the mount is told EIO from then on, or, if he waits already, ECONNRESET. */
  close(): void;
  /**
   * Ends the conversation, and that the mount is served: whoever keeps it, by a file or a directory that he has open, is
   * told an error from then on, ENOTCONN where FUSE is. What the kernel has not written yet is lost. Resolves when it
   * takes nothing of the node any more.
   */
  abort(): Promise<void>;
}

/** Mounts 9P conversations in the namespaces of sessions. */
export interface Mounter {
  readonly kind: 'kernel' | 'fuse' | 'none';
  /** Those to be tried with a server that is not one of ours, each on a connection of its own. */
  readonly dialects: readonly [Dialect, ...Dialect[]];
  /**
   * Mounts, and resolves when the mount can be used.
   * @param connect called once, before the mount is there, for that takes answers of the server; not if it cannot begin
   * @throws MountError
   */
  mount(request: MountRequest, connect: Connect): Promise<Mounted>;
  /**
   * A process in whose user namespace the mount namespaces have to be; undefined where the daemon's own will do, since
   * it is root's.
   * @throws MountError where the kernel does not let this user have one
   */
  userNamespace(): Promise<{ readonly pid: number } | undefined>;
  /** Ends everything that serves mounts. */
  close(): Promise<void>;
}

/** A mount that cannot be; the text says why, and what can be done about it. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

/** A mount by the stream of its conversation. */
export class StreamMounted implements Mounted {
  readonly ended: Promise<void>;
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.ended = stream.closed
      ? Promise.resolve()
      : new Promise((resolve) => stream.once('close', () => resolve()));
  }

  close(): void {
    this.#stream.destroy();
  }

  /** All that it takes of the daemon is the stream. */
  abort(): Promise<void> {
    this.close();
    return this.ended;
  }
}
