import { SetupError } from '../errors.js';
import type { NodeConnection } from '../node/dial.js';
import { readGroups, readKeys, readUsers } from '../node/tables.js';
import type { PlanOptions } from './plan.js';
import { planGroups } from './plan-groups.js';
import { planUsers, type UserTables } from './plan-users.js';
import type { SiteFile } from './site-file.js';
import { parseSiteGroups } from './site-groups.js';
import { parseSiteUsers } from './site-users.js';
import type { NodePlanner } from './sync-nodes.js';

/** How much of a file counts. */
export interface PlannerOptions {
  /** What a node has beside the file's is removed, what differs is changed; else only what is missing is added. */
  readonly sync: boolean;
}

/**
 * What makes the users of nodes those of a file.
 * @throws SetupError naming every line at fault; for an empty file that would remove all users
 */
export function usersPlanner(file: SiteFile, { sync }: PlannerOptions): NodePlanner {
  const site = parseSiteUsers(file);
  refuseEmpty(site, file, sync);
  return async (connection) =>
    planUsers(site, await readTables(connection), planOptions(connection, file, sync));
}

/**
 * What makes the groups of nodes those of a file.
 * @throws SetupError naming every line at fault; for an empty file that would remove all groups
 */
export function groupsPlanner(file: SiteFile, { sync }: PlannerOptions): NodePlanner {
  const site = parseSiteGroups(file);
  refuseEmpty(site, file, sync);
  return async (connection) =>
    planGroups(site, await readTables(connection), planOptions(connection, file, sync));
}

/** The end of a pipe whose beginning failed must not cost a site its users. */
function refuseEmpty(site: readonly unknown[], { name }: SiteFile, sync: boolean): void {
  if (site.length > 0 || !sync) return;
  throw new SetupError(`${name} is empty, and --sync would remove everything: flush does that`);
}

/** All of them at once, but for legacy nodes, which none of the questions may overtake another on. */
async function readTables(connection: NodeConnection): Promise<UserTables> {
  if (connection.legacy) {
    const users = await readUsers(connection);
    return { users, groups: await readGroups(connection), keys: undefined };
  }
  const [users, groups, keys] = await Promise.all([
    readUsers(connection),
    readGroups(connection),
    readKeys(connection),
  ]);
  return { users, groups, keys };
}

function planOptions(
  { user, legacy }: NodeConnection,
  { name }: SiteFile,
  sync: boolean,
): PlanOptions {
  return { sync, self: user, file: name, rsaOnly: legacy };
}
