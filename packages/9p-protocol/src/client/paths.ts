import { MAX_WALK_NAMES, MessageType, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError, protocolError } from '../errors.js';
import { clientLimits } from '../limits.js';
import { Fid, type RequestOptions } from './fid.js';
import type { FileRequests } from './requests.js';
import { linuxError } from './system-errors.js';

/**
 * The names of a path below the root that was attached to: `/a//./b/../c` is `a`, `c`. `..` takes the name before it
 * away, whatever that names, and nothing at the root.
 * @throws NinePError (EINVAL) if the path has a NUL, (ENAMETOOLONG) if it has too many names
 */
export function pathNames(path: string): string[] {
  if (path.includes('\0')) throw new NinePError('path with a NUL byte', Errno.EINVAL);
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  checkLength(names);
  return names;
}

/** How a path is followed. */
export interface FollowOptions extends RequestOptions {
  /** Whether a symbolic link that the last name is stands for what it leads to. Default true. */
  readonly follow?: boolean | undefined;
}

/**
 * Finds files by path, following symbolic links as a kernel's client would: 9P servers do not. Links are followed in
 * 9P2000.u and 9P2000.L; an absolute one begins at the root that was attached to.
 */
export class PathWalker {
  readonly root: Fid;
  readonly requests: FileRequests;

  constructor(root: Fid, requests: FileRequests) {
    this.root = root;
    this.requests = requests;
  }

  /**
   * A fid of the file that the names lead to, for the caller to clunk.
   * @throws NinePError in the server's words, (ELOOP) beyond 40 symbolic links
   */
  async locate(names: readonly string[], options: FollowOptions = {}): Promise<Fid> {
    const { follow = true } = options;
    let todo = names;
    let links = 0;
    for (;;) {
      const up = todo.indexOf('..');
      const part = up < 0 ? todo : todo.slice(0, up);
      const { fid, done } = await this.#walk(part, options);
      if (this.#leadsOn(fid, done < part.length || up >= 0 || follow)) {
        if (++links > clientLimits.symlinks) {
          release(fid);
          throw linuxError(Errno.ELOOP);
        }
        const target = await this.#target(fid, options);
        const from = target.startsWith('/') ? [] : part.slice(0, done - 1);
        todo = [...from, ...splitTarget(target), ...todo.slice(done)];
        checkLength(todo);
      } else if (up < 0) {
        return fid;
      } else {
        release(fid);
        if (!(fid.qid.type & QidType.DIR)) throw linuxError(Errno.ENOTDIR);
        // What is before it has been walked and holds no links: here `..` means what it means on the server.
        todo = [...part.slice(0, -1), ...todo.slice(up + 1)];
      }
    }
  }

  /** The directory that the last name is in, and that name. */
  async locateParent(
    names: readonly string[],
    options: RequestOptions,
  ): Promise<{ directory: Fid; name: string }> {
    const name = names.at(-1);
    if (name === undefined) throw new NinePError('the root has no name', Errno.EBUSY);
    return { directory: await this.locate(names.slice(0, -1), options), name };
  }

  /** Where a link that is at the end of the names leads, as names; undefined if there is none. */
  async linkAt(names: readonly string[], options: RequestOptions): Promise<string[] | undefined> {
    const fid = await this.locate(names, { ...options, follow: false });
    if (!this.#leadsOn(fid, true)) {
      release(fid);
      return undefined;
    }
    const target = await this.#target(fid, options);
    return [...(target.startsWith('/') ? [] : names.slice(0, -1)), ...splitTarget(target)];
  }

  /** Walks to the end, or to the first symbolic link on the way, which is `names[done - 1]`. */
  async #walk(
    names: readonly string[],
    { signal }: RequestOptions,
  ): Promise<{ fid: Fid; done: number }> {
    const { root } = this;
    const { client } = root;
    const fid = new Fid(client, client.takeFid());
    fid.qid = root.qid;
    let from = root;
    let done = 0;
    let most = MAX_WALK_NAMES;
    try {
      for (;;) {
        const part = names.slice(done, done + most);
        const type = MessageType.Twalk;
        const request = { type, fid: from.number, newfid: fid.number, names: part } as const;
        const { qids } = await client.request(request, signal);
        if (qids.length > part.length) throw protocolError('server walked further than asked');
        if (qids.length < part.length) {
          if (qids.length === 0) throw linuxError(Errno.ENOENT);
          // Go as far as it goes; asked for the next name alone, the server says why it goes no further.
          most = qids.length;
          continue;
        }
        from = fid;
        fid.qid = qids.at(-1) ?? fid.qid;
        done += part.length;
        most = MAX_WALK_NAMES;
        if (done === names.length || this.#leadsOn(fid, true)) {
          return { fid, done };
        }
      }
    } catch (error) {
      if (from === fid) release(fid);
      else client.freeFid(fid.number);
      throw error;
    }
  }

  #leadsOn(fid: Fid, follow: boolean): boolean {
    return follow && (fid.qid.type & QidType.SYMLINK) !== 0 && fid.client.dialect !== '9P2000';
  }

  async #target(link: Fid, options: RequestOptions): Promise<string> {
    try {
      const target = await this.requests.readlink(link, options);
      if (target === '' || target.includes('\0')) throw linuxError(Errno.ENOENT);
      return target;
    } finally {
      release(link);
    }
  }
}

/** Lets go of a fid whose clunk nobody waits for: nothing was written through it. */
export function release(fid: Fid): void {
  fid.clunk().catch(() => {});
}

/**
 * Whether a server may call a file so: a name that is none could lead a client that uses it for a file of its own
 * out of its directory.
 */
export function isFileName(name: string): boolean {
  return (
    name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')
  );
}

function splitTarget(target: string): string[] {
  return target.split('/').filter((name) => name !== '' && name !== '.');
}

function checkLength(names: readonly string[]): void {
  if (names.length > clientLimits.pathNames) throw linuxError(Errno.ENAMETOOLONG);
}
