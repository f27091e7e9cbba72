/**
 * What the daemon and a FUSE helper say to each other. The daemon opens one connection for each mount; its first line is
 * an order, everything behind it the bytes of the 9P conversation, in which the helper is the client. On its output the
 * helper tells what became of orders, one line each. On its input it is told which mounts to end, one line each.
 */

/** What makes `xcpufs` such a helper, as its first word: options begin with a dash. */
export const FUSE_HELPER = 'fuse-helper';

/** A user and a group by number. */
interface Ids {
  readonly uid: number;
  readonly gid: number;
}

export interface MountOrder {
  /** Names the order in the helper's news. */
  readonly id: number;
  /** See MountRequest. */
  readonly pid: number;
  readonly directory: string;
  readonly readOnly: boolean;
  readonly unchanging?: boolean | undefined;
  readonly msize: number;
  readonly dialect: '9P2000' | '9P2000.u' | '9P2000.L';
  readonly source: string;
  readonly program?: string | undefined;
  /** Who attaches, and whose numbers the server's files have. */
  readonly user: Ids & { readonly name: string };
  /** The same user as the helper's user namespace knows him; undefined where that is the daemon's. */
  readonly mapped?: Ids | undefined;
}

export type HelperNews =
  | { readonly event: 'listening' }
  | { readonly event: 'mounted'; readonly id: number }
  | { readonly event: 'failed'; readonly id: number; readonly reason: string }
  /** What was mounted is no more. */
  | { readonly event: 'ended'; readonly id: number };

/** To end what is mounted, whoever still uses it: answered by `ended`. */
export interface AbortOrder {
  readonly abort: number;
}

type Message = MountOrder | AbortOrder | HelperNews;

/** Bytes of an order: a path and names, none of which is longer than a page. */
export const MAX_ORDER = 64 * 1024;

/** One line, its end included. */
export function formatLine(message: Message): string {
  return `${JSON.stringify(message)}\n`;
}

/** What {@link formatLine} made. */
export function parseLine<T extends Message>(line: string): T {
  return JSON.parse(line);
}
