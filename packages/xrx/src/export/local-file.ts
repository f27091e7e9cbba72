import type { BigIntStats } from 'node:fs';
import type { Uint64 } from '@xcpu/9p-protocol';
import type { DirectoryServer } from '@xcpu/9p-protocol/fs';

/** A file as `serveDirectory` serves it: its operations answer at once, but for those that make pipes and sockets. */
export type LocalFile = Awaited<ReturnType<DirectoryServer['attach']>>['root'];

/** The path that the qid of a file has, for whoever knows the file by stat(2). */
export function qidPathOf(root: LocalFile, stats: BigIntStats): Uint64 {
  return root.tree.qids.path(stats);
}
