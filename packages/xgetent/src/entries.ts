import { type GroupEntry, printable, type UserEntry } from '@xcpu/libxcpu';

/** A user with, where the node tells it, the fingerprint of his key; or a group. */
export type Entry = (UserEntry & { readonly key?: string }) | GroupEntry;

/** What a node knows. */
export interface NodeTable {
  readonly node: string;
  readonly entries: readonly Entry[];
}

/** `name:uid:gid:group,group`, without the last field for a user without groups, or `name:gid`. */
export function lineOf(entry: Entry): string {
  const { name, gid } = entry;
  if (!('uid' in entry)) return printable(`${name}:${gid}`);
  const groups = entry.groups.length > 0 ? `:${entry.groups.join(',')}` : '';
  return printable(`${name}:${entry.uid}:${gid}${groups}`);
}
