import { ModeBit, OpenMode, QidType } from '../constants.js';
import type { Qid, Stat } from '../types.js';
import type { AttributeChanges, Awaitable, FileServer, OpenFile, ServerFile } from './files.js';
import { denied } from './refusals.js';
import type { Request } from './request.js';

let lastPath = 0;

/** A number for a qid's path that no other file of this process has. */
export function nextQidPath(): number {
  return ++lastPath;
}

/** Who owns a synthetic file and what it is called; may change while it is served. */
export interface SyntheticAttributes {
  name: string;
  /** Permissions, and ModeBit.DIR for a directory. */
  mode: number;
  uid: string;
  gid: string;
  /** 9P2000.u's numbers for them. */
  nUid?: number;
  nGid?: number;
}

/** A file that exists only in this program. Subclasses, or an object given `open`, say what is in it. */
export class SyntheticFile<User = unknown> implements ServerFile<User> {
  readonly qid: Qid;
  attributes: SyntheticAttributes;
  parent?: ServerFile<User>;
  /** Seconds since 1970. */
  mtime = Math.floor(Date.now() / 1000);

  constructor(attributes: SyntheticAttributes, path: number = nextQidPath()) {
    this.attributes = attributes;
    this.qid = { type: attributes.mode >>> 24, version: 0, path };
  }

  /** Bytes to show in stat; 0, as here, where a file has no length. */
  length(_request: Request<User>): number {
    return 0;
  }

  /** Made of `attributes`, `mtime` and `length`. */
  stat(request: Request<User>): Stat {
    const { name, mode, uid, gid, nUid, nGid } = this.attributes;
    return {
      type: 0,
      dev: 0,
      qid: this.qid,
      mode,
      atime: this.mtime,
      mtime: this.mtime,
      length: this.length(request),
      name,
      uid,
      gid,
      muid: uid,
      extension: '',
      ...(nUid === undefined ? {} : { nUid, nMuid: nUid }),
      ...(nGid === undefined ? {} : { nGid }),
    };
  }

  open(_mode: number, _request: Request<User>): Awaitable<OpenFile<User>> {
    throw denied();
  }
}

/** A directory of synthetic files. Subclasses whose files come and go override `find` and `list`. */
export class SyntheticDirectory<User = unknown> extends SyntheticFile<User> {
  readonly #children = new Map<string, SyntheticFile<User>>();

  constructor(attributes: SyntheticAttributes, path?: number) {
    super({ ...attributes, mode: attributes.mode | ModeBit.DIR }, path);
    if (!(this.qid.type & QidType.DIR)) throw new TypeError('a directory needs ModeBit.DIR');
  }

  /** Puts a file into the directory, under the name that it has. */
  add<F extends SyntheticFile<User>>(file: F): F {
    file.parent = this;
    this.#children.set(file.attributes.name, file);
    return file;
  }

  /** The file of that name, undefined if there is none. */
  find(name: string, _request: Request<User>): Awaitable<ServerFile<User> | undefined> {
    return this.#children.get(name);
  }

  /** The files to show to whoever reads the directory. */
  list(_request: Request<User>): Iterable<ServerFile<User>> {
    return this.#children.values();
  }

  /** Asks `find`. */
  walk(name: string, request: Request<User>): Awaitable<ServerFile<User> | undefined> {
    return this.find(name, request);
  }

  override open(_mode: number, _request: Request<User>): Awaitable<OpenFile<User>> {
    return { entries: (request) => this.#entries(request) };
  }

  #entries(request: Request<User>): Awaitable<Iterable<Stat>> {
    const stats: Awaitable<Stat>[] = [];
    for (const file of this.list(request)) stats.push(file.stat(request));
    return stats.some((stat) => stat instanceof Promise) ? Promise.all(stats) : (stats as Stat[]);
  }
}

/** An open file whose contents were fixed when it was opened: every read sees the same snapshot. */
export function snapshot(contents: string | Uint8Array): OpenFile {
  const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents;
  return { read: (offset, count) => bytes.subarray(offset, offset + count) };
}

/** What a tree is made of: a directory of more, a text, or a text made at each open, possibly taking what is written. */
export type TreeSpec = { readonly [name: string]: TreeSpec | string | TreeFileSpec };

/** A file that computes its contents and acts on what is written to it. */
export interface TreeFileSpec {
  /** Called at open. */
  read?(): Awaitable<string | Uint8Array>;
  /** Called with the data of each write. */
  write?(data: Uint8Array): Awaitable<void>;
}

/**
 * A file server made of plain objects, open to everybody:
 * `serveTree({ motd: 'hello\n', now: { read: () => new Date().toISOString() } })`.
 */
export function serveTree(spec: TreeSpec, owner = 'nobody'): FileServer<string> {
  const root = treeDirectory('/', spec, owner);
  return { attach: ({ uname }) => ({ root, user: uname }) };
}

function treeDirectory(name: string, spec: TreeSpec, owner: string): SyntheticDirectory<string> {
  const directory = new SyntheticDirectory<string>({ name, mode: 0o555, uid: owner, gid: owner });
  for (const [child, contents] of Object.entries(spec)) {
    directory.add(treeEntry(child, contents, owner));
  }
  return directory;
}

function treeEntry(
  name: string,
  contents: TreeSpec | string | TreeFileSpec,
  owner: string,
): SyntheticFile<string> {
  if (typeof contents === 'string') return new TreeFile(name, { read: () => contents }, owner);
  if (isFileSpec(contents)) return new TreeFile(name, contents, owner);
  return treeDirectory(name, contents, owner);
}

class TreeFile extends SyntheticFile<string> {
  readonly #spec: TreeFileSpec;

  constructor(name: string, spec: TreeFileSpec, owner: string) {
    const mode = (spec.read ? 0o444 : 0) | (spec.write ? 0o222 : 0);
    super({ name, mode, uid: owner, gid: owner });
    this.#spec = spec;
  }

  override open(mode: number): Awaitable<OpenFile<string>> {
    const { read, write } = this.#spec;
    const access = mode & OpenMode.ACCESS_MASK;
    const reads = access !== OpenMode.WRITE;
    const writes = access === OpenMode.WRITE || access === OpenMode.READ_WRITE;
    if ((reads && !read) || (writes && !write)) {
      throw denied();
    }
    const open = (contents: string | Uint8Array): OpenFile<string> => ({
      ...snapshot(contents),
      ...(write && {
        write: async (_offset: number, data: Uint8Array) => {
          await write(data);
          return data.length;
        },
      }),
    });
    const contents = reads ? read!() : '';
    return contents instanceof Promise ? contents.then(open) : open(contents);
  }

  /** The shell's `>` cuts a file off before it is written to: Linux asks for that apart from opening it. */
  setattr({ size }: AttributeChanges): void {
    if (size === undefined || !this.#spec.write) throw denied();
  }
}

function isFileSpec(contents: TreeSpec | TreeFileSpec): contents is TreeFileSpec {
  return typeof contents.read === 'function' || typeof contents.write === 'function';
}
