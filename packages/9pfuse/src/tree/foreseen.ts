import { Errno } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { errnoOf } from '../errors.js';
import type { Pipeline } from '../remote/pipeline.js';
import type { Remote, RemoteFile } from '../remote/remote.js';

/** What the server said of a name before the kernel asked. */
export interface Seen {
  /** Undefined where there is no such file. */
  readonly found: { readonly fid: Fid; readonly file: RemoteFile } | undefined;
  /** When it said so, in milliseconds of performance.now(). */
  readonly at: number;
}

/** Names of one mount that were asked for before the kernel does. */
export class Foreseen {
  readonly #answers = new Map<string, Promise<Seen | undefined>>();
  #expiry: NodeJS.Timeout | undefined;

  /**
   * Asks for all of the paths at once.
   * @param lifetime how long the answers are good, in milliseconds
   */
  ask(
    root: Fid,
    paths: readonly string[],
    remote: Remote,
    pipeline: Pipeline,
    lifetime: number,
  ): void {
    for (const path of paths) this.#answers.set(path, look(root, path, remote, pipeline));
    this.#expiry = setTimeout(() => this.drop(), lifetime).unref();
  }

  /** What was said of a path, for the first who asks; undefined if nobody foresaw it. The fid is his. */
  take(path: string): Promise<Seen | undefined> | undefined {
    const answer = this.#answers.get(path);
    this.#answers.delete(path);
    return answer;
  }

  /** Nothing of it is good any more. */
  drop(): void {
    clearTimeout(this.#expiry);
    for (const answer of this.#answers.values()) {
      void answer.then((seen) => seen?.found?.fid.clunk().catch(() => {}));
    }
    this.#answers.clear();
  }
}

async function look(
  root: Fid,
  path: string,
  remote: Remote,
  pipeline: Pipeline,
): Promise<Seen | undefined> {
  try {
    const ask = (fid: Fid) => remote.look(fid, {});
    const [fid, file] = await pipeline.walk(root, path.split('/'), ask, {});
    return { found: { fid, file }, at: performance.now() };
  } catch (error) {
    const absent = errnoOf(error) === Errno.ENOENT;
    return absent ? { found: undefined, at: performance.now() } : undefined;
  }
}
