import { QidType } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';

/** A session that a node lists. */
export interface ListedSession {
  /** The session's directory on the node: a decimal number. */
  readonly sid: string;
  /** Whose it is, by the node's names. */
  readonly owner: string;
}

/** A listing of as many sessions as a node has at the most, 8192, takes a quarter. */
const MAX_LISTING_BYTES = 4 * 1024 * 1024;

/**
 * The sessions of a node, whoever's they are: directories that have numbers for names.
 * @param root the node's root, open
 * @throws NinePError what the node answers
 */
export async function sessionsIn(root: Fid): Promise<ListedSession[]> {
  const entries = await root.readDirectory({ limit: MAX_LISTING_BYTES });
  return entries
    .filter(({ name, qid }) => qid.type & QidType.DIR && /^\d{1,10}$/.test(name))
    .map(({ name, uid }) => ({ sid: name, owner: uid }));
}
