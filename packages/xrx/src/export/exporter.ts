import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { Errno, NinePError } from '@xcpu/9p-protocol';
import { type DirectoryLimits, type DirectoryServer, serveDirectory } from '@xcpu/9p-protocol/fs';
import type { FileServer } from '@xcpu/9p-protocol/server';
import { SetupError, systemText, UsageError } from '@xcpu/libxcpu';
import { type Account, AccountTables } from './accounts.js';
import { ExportedFile, type View } from './exported-file.js';
import { HiddenFiles } from './hidden-files.js';
import { KERNEL_DIRECTORIES, KernelFiles } from './kernel-files.js';
import { type LocalFile, qidPathOf } from './local-file.js';
import { type Owner, Owners } from './owners.js';
import { placesOf } from './places.js';
import { standInAt } from './stand-in.js';

/** What of this machine nodes get to see. Paths are absolute; `..` in them is taken as text. */
export interface ExportOptions {
  /** The directory that nodes see as `/`. Default `/`. */
  readonly root?: string | undefined;
  /** Nothing can be changed: EROFS. */
  readonly readOnly?: boolean | undefined;
  /** Files and directories of this machine that are not there for nodes, with all below them. */
  readonly hidden?: readonly string[] | undefined;
  /** What is shown though it is hidden, or below what is: the longer path counts. */
  readonly shown?: readonly string[] | undefined;
  /** Directories, from the exported root on, that a node mounts over: empty ones are made up where there are none. */
  readonly mountPoints?: readonly string[] | undefined;
  /** Directories, from the exported root on, in whose place there are empty ones: a node mounts over them in any case. */
  readonly emptied?: readonly string[] | undefined;
  /** Directories, from the exported root on, that some nodes see as `/`, beside that root: `sysroots`. */
  readonly trees?: readonly string[] | undefined;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: (() => number) | undefined;
}

/** Whose number is what, on one node. */
export interface NodeOwner {
  /** Who runs xrx, here. */
  readonly host: Owner;
  /** The same user there. */
  readonly node: Owner;
  /** How the files that name users tell of him, be they made up for it; they are as they are if this is left out. */
  readonly account?: Account;
}

/**
 * Many nodes share the descriptors and what is known of the disk. Node.js raises its own limit of descriptors to what
 * the system allows, commonly 524,288 or more.
 */
const LIMITS: Partial<DirectoryLimits> = {
  descriptors: 1024,
  openFiles: 65_536,
  nodes: 1_048_576,
};

/**
 * Exports this machine's files to nodes, with the rights of the user who runs this and no others.
 *
 * - What is hidden does not exist: it is not listed and not found, under whatever name it is reached (a hard link, a
 *   bind mount, a symbolic link's target), nothing can be made in its place (EACCES), and no directory or link on the
 *   way to it can be renamed, removed or replaced (EACCES). Of a file that is hidden, or becomes so, other names may be
 *   seen for up to a second.
 * - In place of the exported `/dev`, `/proc` and `/sys`, and of every directory in which the kernel shows itself or its
 *   processes, there is an empty directory: `/proc/self` is xrx.
 * - Sockets, pipes and devices cannot be opened, and devices not be made; set-id bits are shown, and are the node's to
 *   disregard.
 *
 * @throws UsageError if the root is hidden or the kernel's; SetupError if it cannot be served
 */
export function exportFiles(options: ExportOptions = {}): Exporter {
  return new Exporter(options);
}

/** What {@link exportFiles} makes. */
export class Exporter {
  readonly #server: DirectoryServer;
  readonly #places: ReturnType<typeof placesOf>;
  readonly #kernel: KernelFiles;
  readonly #now: () => number;
  readonly #trees: readonly string[];
  #hidden: HiddenFiles | undefined;

  constructor(options: ExportOptions) {
    const { root = '/', readOnly = false, now = () => performance.now() } = options;
    const given = resolve(root);
    const real = onDisk(root, () => realpathSync(given));
    const { hidden = [], shown = [], mountPoints = [], emptied = [] } = options;
    this.#now = now;
    this.#trees = ['', ...(options.trees ?? [])];
    this.#kernel = new KernelFiles(now);
    if (onDisk(root, () => this.#kernel.hasPath(real))) {
      throw new UsageError(`${root}: the kernel's own files are not exported`);
    }
    this.#places = placesOf({
      hidden: hidden.map((path) => withRealRoot(path, given, real)),
      shown: shown.map((path) => withRealRoot(path, given, real)),
      root: real,
      emptied: [...KERNEL_DIRECTORIES, ...emptied.map((path) => resolve('/', path))],
      mountPoints: mountPoints.map((path) => resolve('/', path)),
      rewritten: AccountTables.pathsIn(this.#trees),
    });
    if (!this.#places.root.visible) {
      throw new UsageError(`${root} is hidden from nodes; --show ${root} makes an exception`);
    }
    // The tree is a node's /tmp, too.
    const served = { readonly: readOnly, specials: true, limits: LIMITS };
    this.#server = onDisk(root, () => serveDirectory(real, served));
  }

  /**
   * The files as one node sees them. The user may attach there, and root, who mounts for him; other users of the node
   * are refused (EACCES).
   */
  forNode({ host, node, account }: NodeOwner): FileServer<string> {
    const owners = new Owners(host, node);
    return {
      byteNames: true,
      attach: (login, auth, request) => {
        const { aname, nUname } = login;
        if (aname !== '' && aname !== '/') {
          throw new NinePError('only / is exported', Errno.ENOENT);
        }
        if (nUname !== undefined && nUname !== node.uid && nUname !== 0) {
          throw new NinePError('these are the files of another user', Errno.EACCES);
        }
        const entered = this.#server.attach(login, auth, request);
        return entered instanceof Promise
          ? entered.then(({ root, user }) => ({ root: this.#root(root, owners, account), user }))
          : { root: this.#root(entered.root, owners, account), user: entered.user };
      },
    };
  }

  /** Gives up all descriptors but those of open files: for when the conversations are over. */
  close(): void {
    this.#server.close();
  }

  #root(file: LocalFile, owners: Owners, account: Account | undefined): ExportedFile {
    const { top, root } = this.#places;
    this.#hidden ??= new HiddenFiles(top, (stats) => qidPathOf(file, stats), this.#now);
    const tables = new AccountTables(root, this.#trees, account);
    const view: View = {
      hidden: this.#hidden,
      kernel: this.#kernel,
      owners,
      rewritten: (file, above, place) => tables.file(view, file, above, place),
      madeUp: (place, above) => standInAt(place, above, tables),
    };
    return new ExportedFile(view, file, undefined, root);
  }
}

/** What resolve() has something to do about. */
const NOT_PLAIN = /^(?:[^/]|$)|\/(?:\.{0,2}(?:\/|$))/;

/** Rules are about names below the real root: one given by a symbolic link is the same directory. */
function withRealRoot(path: string, given: string, real: string): string {
  // Where root runs xrx there are a thousand paths, and resolve() takes ten times as long as this look at one.
  const absolute = NOT_PLAIN.test(path) ? resolve(path) : path;
  if (given === real || given === '/') return absolute;
  if (absolute === given) return real;
  return absolute.startsWith(`${given}/`)
    ? resolve(real, absolute.slice(given.length + 1))
    : absolute;
}

function onDisk<T>(root: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new SetupError(`cannot export ${root}: ${systemText(error)}`);
  }
}
