import type {
  Awaitable,
  StatChanges,
  SyntheticAttributes,
  SyntheticFile,
} from '@xcpu/9p-protocol/server';
import { nodeError, permissionDenied } from '../errors.js';
import type { NodeSettings } from '../state/settings.js';
import type { User, UserTable } from '../users/users.js';
import type { Caller } from './caller.js';

/** What the administrator changes by the root's files. */
export interface NodeTables {
  readonly users: UserTable;
  readonly settings: NodeSettings;
  /** Done when users, groups and settings are saved, on a node that saves them. */
  readonly saved: () => Awaitable<void>;
}

/**
 * Gives a root file another owner, group or permissions, as the administrator said, and has the node remember it.
 * @throws NinePError as `changedAttributes` does
 */
export function changeAccess(
  file: SyntheticFile<Caller>,
  changes: StatChanges,
  { users, settings }: NodeTables,
): void {
  file.attributes = changedAttributes(file.attributes, changes, users);
  settings.setAccess(file.attributes);
}

/**
 * A root file's attributes after the administrator changed owner, group or permissions.
 * @throws NinePError `unknown user`, or `permission denied` for a group that is not there and for other changes
 */
function changedAttributes(
  attributes: SyntheticAttributes,
  changes: StatChanges,
  users: UserTable,
): SyntheticAttributes {
  const { mode, uid, gid, nUid, nGid, ...rest } = changes;
  if (Object.keys(rest).length > 0) throw permissionDenied();
  const changed = { ...attributes };
  if (uid !== undefined || nUid !== undefined) {
    const owner = findUser(users, uid, nUid);
    changed.uid = owner.name;
    changed.nUid = owner.uid;
  }
  if (gid !== undefined || nGid !== undefined) {
    const group = nGid !== undefined ? users.groupByGid(nGid) : users.groupByName(gid ?? '');
    if (!group) throw permissionDenied();
    changed.gid = group.name;
    changed.nGid = group.gid;
  }
  if (mode !== undefined) changed.mode = mode & 0o777;
  return changed;
}

/** The user that a wstat names, by number or name. @throws NinePError `unknown user` */
export function findUser(
  users: UserTable,
  uid: string | undefined,
  nUid: number | undefined,
): User {
  const user = nUid !== undefined ? users.byUid(nUid) : users.byName(uid ?? '');
  if (!user) throw nodeError('unknown user');
  return user;
}
