import { closeSync, constants, fstatSync, openSync, realpathSync } from 'node:fs';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { type DirectoryLimits, directoryLimits } from '../limits.js';
import type { AuthFile, Awaitable, FileServer, Login } from '../server/files.js';
import type { Request } from '../server/request.js';
import { Export } from './export.js';
import { LocalFile } from './local-file.js';
import { type OwnerNames, ownerNames } from './owner-names.js';
import { O_PATH } from './paths.js';

/** How a directory is exported. */
export interface DirectoryOptions {
  /** Nothing can be changed: EROFS. */
  readonly readonly?: boolean;
  /**
   * Named pipes and sockets can be made, for the client's programs to use: such is a node's `/tmp`. For each pipe
   * mkfifo(1) is run, since Node has no mknod(2); so it is off by default.
   */
  readonly specials?: boolean;
  /** How users and groups are called in 9P2000 and 9P2000.u; by default as in `/etc/passwd` and `/etc/group`. */
  readonly names?: OwnerNames;
  /** Changes to the default limits. */
  readonly limits?: Partial<DirectoryLimits>;
  /** Who may enter: throws to refuse. Everybody by default. */
  readonly attach?: (
    login: Login,
    auth: AuthFile | undefined,
    request: Request<undefined>,
  ) => Awaitable<void>;
  /** Proves who a client is; `attach` gets what it opened. Without it no client needs proof. */
  readonly auth?: (login: Login, request: Request<undefined>) => Awaitable<AuthFile>;
}

/**
 * Exports a directory, and what is mounted below it, as the user whom the process runs as, over all dialects:
 * `new Server(serveDirectory('/srv/data', { readonly: true }))`.
 *
 * Clients never leave the directory: names lead one step down from a directory that is held open, symbolic links
 * are shown and never followed, and `..` is what the server remembers. Pipes, sockets and devices are shown, and
 * never opened; devices are never made, the others only with `specials`. A client may attach with an empty aname, `/`, or the directory's own path.
 *
 * A file or directory that somebody on the machine moves or removes stays what clients know it as while it is among
 * the last that were used (DirectoryLimits.descriptors) or open, as a working directory does; then they get ESTALE or
 * ENOENT. What the server itself moves, fids follow.
 *
 * Storage that is slow (a network file system, a worn disk) holds up everything else in the same loop, because
 * system calls are made at once: such a directory is best served from a process or worker of its own. Extended
 * attributes are out of Node's reach. Needs Linux, with /proc mounted.
 * @throws NinePError (EINVAL) for a limit that makes no sense; Node's system error (ENOENT, ENOTDIR, EACCES)
 */
export function serveDirectory(path: string, options: DirectoryOptions = {}): DirectoryServer {
  return new DirectoryServer(path, options);
}

/** What {@link serveDirectory} makes. */
export class DirectoryServer implements FileServer<string> {
  readonly byteNames = true;
  readonly auth?: NonNullable<DirectoryOptions['auth']>;
  readonly #tree: Export;
  readonly #root: LocalFile;
  readonly #paths: ReadonlySet<string>;
  readonly #attach: DirectoryOptions['attach'];

  constructor(path: string, options: DirectoryOptions) {
    const { readonly = false, specials = false, names, attach, auth } = options;
    const owners = names ?? ownerNames();
    const limits = directoryLimits(options.limits);
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY);
    try {
      const stats = fstatSync(fd, { bigint: true });
      this.#paths = new Set(['', '/', path, realpathSync(path)]);
      this.#tree = new Export(stats.dev, { readonly, specials, owners, limits });
      this.#root = new LocalFile(this.#tree, undefined, '', this.#tree.qids.of(stats));
      this.#root.fd = fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#attach = attach;
    if (auth) this.auth = auth;
  }

  /** Descriptors that are open for files on the way; those of open files, and the root's, come on top. */
  get descriptors(): number {
    return this.#tree.descriptors.size;
  }

  /** Files that fids name, and directories on the way to them. */
  get nodes(): number {
    return this.#tree.nodes;
  }

  /** Clients call themselves what they like unless `attach` and `auth` say otherwise. */
  attach(
    login: Login,
    auth: AuthFile | undefined,
    request: Request<undefined>,
  ): Awaitable<{ root: LocalFile; user: string }> {
    if (!this.#paths.has(login.aname)) {
      throw new NinePError('no such directory is exported', Errno.ENOENT);
    }
    const entered = { root: this.#root, user: login.uname };
    const allowed = this.#attach?.(login, auth, request);
    return allowed ? allowed.then(() => entered) : entered;
  }

  /** Gives up all descriptors but those of open files. What clients ask for from now on fails; close their connections first. */
  close(): void {
    this.#tree.descriptors.closeAll();
    const { fd } = this.#root;
    this.#root.fd = -1;
    if (fd >= 0) closeSync(fd);
  }
}
