import { Errno, MessageType, NinePError } from '@xcpu/9p-protocol';
import { Fid, type RequestOptions } from '@xcpu/9p-protocol/client';

/** What a server answers to a request that overtook the one that makes its fid. */
const OVERTAKEN: readonly number[] = [
  ...[0, Errno.EBADF, Errno.EIO, Errno.EINVAL, Errno.EPROTO, Errno.ENOENT],
];

/**
 * Sends requests right behind the one that makes their fid, which saves a round trip. Servers need not answer in
 * order: where one turns out not to, the request is sent again, and from then on each waits for the one before.
 */
export class Pipeline {
  #inOrder = true;

  /** Both results; fails as `first` does, else as `second`. */
  async run<A, B>(first: () => Promise<A>, second: () => Promise<B>): Promise<[A, B]> {
    if (!this.#inOrder) return [await first(), await second()];
    // Both have to be answered before their fid's number can be given to another.
    const [a, b] = await Promise.allSettled([first(), second()]);
    if (a.status === 'rejected') throw a.reason;
    if (b.status === 'fulfilled') return [a.value, b.value];
    if (!isOvertaken(b.reason)) throw b.reason;
    const again = await second();
    // A file that was being made, or that was removed meanwhile, may be missing on a server that answers in order, too.
    if (b.reason.errno !== Errno.ENOENT) this.#inOrder = false;
    return [a.value, again];
  }

  /**
   * Walks to a new fid and asks something of it. The fid is clunked if that fails.
   * @param names undefined for another fid of the same file; at most 16
   */
  async walk<T>(
    from: Fid,
    names: string | readonly string[] | undefined,
    ask: (fid: Fid) => Promise<T>,
    options: RequestOptions,
  ): Promise<[Fid, T]> {
    const { client } = from;
    const fid = new Fid(client, client.takeFid());
    let walked = false;
    try {
      const [, answer] = await this.run(
        async () => {
          await walkOnce(from, fid, names, options);
          walked = true;
        },
        () => ask(fid),
      );
      return [fid, answer];
    } catch (error) {
      if (walked) void fid.clunk().catch(() => {});
      else client.freeFid(fid.number);
      throw error;
    }
  }
}

async function walkOnce(
  from: Fid,
  to: Fid,
  path: string | readonly string[] | undefined,
  { signal }: RequestOptions,
): Promise<void> {
  const names = path === undefined ? [] : [path].flat();
  const type = MessageType.Twalk;
  const request = { type, fid: from.number, newfid: to.number, names } as const;
  const { qids } = await from.client.request(request, signal);
  if (qids.length !== names.length) {
    // Some servers answer a name that is not there without an error: walk(5).
    throw new NinePError('file not found', Errno.ENOENT);
  }
  to.qid = qids.at(-1) ?? from.qid;
}

function isOvertaken(error: unknown): error is NinePError {
  return error instanceof NinePError && error.kind === 'file' && OVERTAKEN.includes(error.errno);
}
