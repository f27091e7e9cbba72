import { Errno, LinuxOpen } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { errnoOf } from '../errors.js';
import type { Pipeline } from '../remote/pipeline.js';
import type { Remote, RemoteFile } from '../remote/remote.js';
import { UNCHANGED } from './changes.js';
import type { Foresight, Range } from './foresight.js';
import type { Part } from './read-ahead.js';

/** What the server said of a name before the kernel asked. */
export interface Seen {
  /** Undefined where there is no such file. */
  readonly found: { readonly fid: Fid; readonly file: RemoteFile } | undefined;
  /** When it said so, in milliseconds of performance.now(). */
  readonly at: number;
  /** The moment of the tree (see Changes) when it was asked. */
  readonly moment: number;
}

/** A file that was opened for reading, and read, before the kernel asked. */
export interface OpenedAhead {
  /** Open. */
  readonly fid: Fid;
  readonly file: RemoteFile;
  readonly parts: readonly Part[];
  readonly at: number;
}

/** How long an answer about one path is kept for the kernel to ask, in milliseconds: it is about to. */
const KEPT_MS = 100;

/** What of one mount was asked for before the kernel does. */
export class Foreseen {
  readonly #names = new Map<string, Promise<Seen | undefined>>();
  readonly #files = new Map<string, Promise<OpenedAhead | undefined>>();
  #expiry: NodeJS.Timeout | undefined;

  /**
   * Asks for all of it at once, names first.
   * @param lifetime how long the answers are good, in milliseconds
   */
  ask(root: Fid, foresight: Foresight, remote: Remote, pipeline: Pipeline, lifetime: number): void {
    for (const path of foresight.paths) {
      const isLink = foresight.isLink(path);
      this.#names.set(path, look(root, path, UNCHANGED, isLink, remote, pipeline));
    }
    for (const [path, ranges] of foresight.reads) {
      this.#files.set(path, open(root, path, ranges, remote, pipeline));
    }
    this.#expiry = setTimeout(() => this.drop(), lifetime).unref();
  }

  /** Asks for one path more, at a moment of the tree. */
  askFor(
    root: Fid,
    path: string,
    moment: number,
    isLink: boolean,
    remote: Remote,
    pipeline: Pipeline,
  ): void {
    if (this.#names.has(path)) return;
    const answer = look(root, path, moment, isLink, remote, pipeline);
    this.#names.set(path, answer);
    setTimeout(() => {
      if (this.#names.get(path) !== answer) return;
      this.#names.delete(path);
      void answer.then((seen) => letGo(seen?.found?.fid));
    }, KEPT_MS).unref();
  }

  /** What was said of a path, for the first who asks; undefined if nobody foresaw it. The fid is his. */
  take(path: string): Promise<Seen | undefined> | undefined {
    const answer = this.#names.get(path);
    this.#names.delete(path);
    return answer;
  }

  /** The same for who opens the file to read it. */
  takeOpened(path: string): Promise<OpenedAhead | undefined> | undefined {
    const opened = this.#files.get(path);
    this.#files.delete(path);
    return opened;
  }

  /** Nothing of it is good any more. */
  drop(): void {
    clearTimeout(this.#expiry);
    for (const answer of this.#names.values()) void answer.then((seen) => letGo(seen?.found?.fid));
    for (const opened of this.#files.values()) void opened.then((seen) => letGo(seen?.fid));
    this.#names.clear();
    this.#files.clear();
  }
}

/** The answer of the server, if it is late, matters to nobody. */
export function letGo(fid: Fid | undefined): void {
  void fid?.clunk().catch(() => {});
}

async function look(
  root: Fid,
  path: string,
  moment: number,
  isLink: boolean,
  remote: Remote,
  pipeline: Pipeline,
): Promise<Seen | undefined> {
  try {
    const ask = (fid: Fid) => (isLink ? remote.look(fid, {}) : remote.getattr(fid, {}));
    const [fid, file] = await pipeline.walk(root, path.split('/'), ask, {});
    return { found: { fid, file }, at: performance.now(), moment };
  } catch (error) {
    const absent = errnoOf(error) === Errno.ENOENT;
    return absent ? { found: undefined, at: performance.now(), moment } : undefined;
  }
}

async function open(
  root: Fid,
  path: string,
  ranges: readonly Range[],
  remote: Remote,
  pipeline: Pipeline,
): Promise<OpenedAhead | undefined> {
  try {
    const [fid, told] = await pipeline.walk(
      root,
      path.split('/'),
      async (fid) => {
        const opened = () => remote.open(fid, LinuxOpen.RDONLY, {});
        const [, told] = await pipeline.run(opened, () => tell(fid, ranges, remote));
        return told;
      },
      {},
    );
    return { fid, ...told, at: performance.now() };
  } catch {
    // Whoever opens it is told why.
    return undefined;
  }
}

async function tell(fid: Fid, ranges: readonly Range[], remote: Remote) {
  const reads = ranges.map(async ({ offset, size }) => ({
    offset,
    pieces: await fid.readPieces(offset, Math.min(size, fid.chunk), {}),
  }));
  const [file, parts] = await Promise.all([
    Promise.allSettled([remote.getattr(fid, {})]),
    Promise.allSettled(reads),
  ]);
  if (file[0].status === 'rejected') throw file[0].reason;
  const read = parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
  return { file: file[0].value, parts: read };
}
