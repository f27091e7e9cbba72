import type { GroupEntry, NodeCommand, UserEntry } from '@xcpu/xcpu-protocol';
import {
  type Change,
  type NodePlan,
  orderSteps,
  type PlanOptions,
  type Problem,
  type Step,
  stepsOf,
} from './plan.js';
import { NODES_OWN_USERS, type SiteUser } from './site-users.js';

/** What a node knows of users. */
export interface UserTables {
  readonly users: readonly UserEntry[];
  readonly groups: readonly GroupEntry[];
  /** Fingerprints by name; undefined where the node does not show them. */
  readonly keys: ReadonlyMap<string, string> | undefined;
}

const KEYS_NOT_COMPARED = 'keys not compared: this node does not show them';

/**
 * What makes a node's users those of the site. Where a group is missing nothing is done.
 */
export function planUsers(
  site: readonly SiteUser[],
  tables: UserTables,
  options: PlanOptions,
): NodePlan {
  const missing = missingGroups(site, tables.groups, options.file);
  if (missing.length > 0) return { changes: [], steps: [], problems: missing };
  const { known, ...sorted } = sortOut(site, tables, options);
  const plan = orderSteps<SiteUser>({
    ...sorted,
    holders: new Map(tables.users.map(({ name, uid }) => [uid, name])),
    remove: (user) => [{ command: 'user-del', user }],
    add: additionOf,
  });
  return tables.keys || known === 0 ? plan : { ...plan, note: KEYS_NOT_COMPARED };
}

function sortOut(site: readonly SiteUser[], tables: UserTables, options: PlanOptions) {
  const { sync, self, file, rsaOnly } = options;
  const kept: Step[] = [];
  const replaced = new Map<SiteUser, Change>();
  const removed: Change[] = [];
  const added: SiteUser[] = [];
  const problems: Problem[] = [];
  let known = 0;
  const stays = (name: string, text: string) => problems.push({ names: [name], text });
  const current = new Map(tables.users.map((entry) => [entry.name, entry]));
  const groupNames = new Map(tables.groups.map(({ name, gid }) => [gid, name]));
  for (const user of site) {
    const { name, line } = user;
    const entry = current.get(name);
    const refused = rsaOnly && user.key.type !== 'ssh-rsa';
    if (!entry) {
      if (refused) stays(name, `${name} (${file}:${line})${RSA_ONLY}`);
      else added.push(user);
      continue;
    }
    known++;
    const all = compare(user, entry, groupNames, tables.keys);
    // Without --sync nothing is taken from him.
    const found = sync ? all : { ...all, leave: [] };
    const commands = commandsFor(user, found);
    const conflict = found.there.length > 0;
    const change: Change = { sign: '~', name, details: detailsOf(found) };
    if (!conflict && commands.length === 0) continue;
    if (name === self) stays(name, `${name} differs from ${file}:${line}${SELF}`);
    else if (conflict && !sync) {
      const there = found.there.join(', ');
      stays(name, `${name} has ${there}, unlike ${file}:${line}; --sync changes that`);
    } else if (found.identity.length === 0) kept.push(...stepsOf(commands, change));
    else if (refused) stays(name, `${name} differs from ${file}:${line}${RSA_ONLY}`);
    else replaced.set(user, change);
  }
  const wanted = new Set(site.map(({ name }) => name));
  for (const { name } of sync ? tables.users : []) {
    if (wanted.has(name) || NODES_OWN_USERS.includes(name)) continue;
    if (name === self) stays(name, `${name} is not in ${file}${SELF}`);
    else removed.push({ sign: '-', name });
  }
  return { known, kept, replaced, removed, added, problems };
}

const RSA_ONLY = ': left, as C nodes take RSA keys only';
const SELF = ', but stays: you are logged in as this user';

/** In what a node's user is not the site's. */
interface Difference {
  /** What only goes by deleting and adding him: `uid 5001 to 5000`. */
  readonly identity: readonly string[];
  /** What the node has that is not only too little or too much: `uid 5001`, `another key`. */
  readonly there: readonly string[];
  readonly otherKey: boolean;
  /** Groups that he is to be in and is not, and the other way round. */
  readonly join: readonly string[];
  readonly leave: readonly string[];
}

function compare(
  user: SiteUser,
  entry: UserEntry,
  groupNames: ReadonlyMap<number, string>,
  keys: UserTables['keys'],
): Difference {
  const group = groupNames.get(entry.gid) ?? String(entry.gid);
  const facts = [
    ['uid', entry.uid, user.number],
    ['group', group, user.group],
  ] as const;
  const different = facts.filter(([, is, wanted]) => is !== wanted);
  const otherKey = keys !== undefined && keys.get(user.name) !== user.fingerprint;
  const member = new Set([group, ...entry.groups]);
  const wanted = new Set([group, user.group, ...user.groups]);
  return {
    identity: different.map(([what, is, other]) => `${what} ${is} to ${other}`),
    there: [
      ...different.map(([what, is]) => `${what} ${is}`),
      ...(otherKey ? ['another key'] : []),
    ],
    otherKey,
    join: user.groups.filter((name) => !member.has(name)),
    leave: entry.groups.filter((name) => !wanted.has(name)),
  };
}

function detailsOf({ identity, otherKey, join, leave }: Difference): string[] {
  return [
    ...identity,
    ...(otherKey ? ['key'] : []),
    ...join.map((group) => `+${group}`),
    ...leave.map((group) => `-${group}`),
  ];
}

function commandsFor({ name, key }: SiteUser, { otherKey, join, leave }: Difference) {
  return [
    ...(otherKey ? [{ command: 'user-key', user: name, key } as const] : []),
    ...join.map((group) => ({ command: 'user-add-group', user: name, group }) as const),
    ...leave.map((group) => ({ command: 'user-del-group', user: name, group }) as const),
  ];
}

/** Commands by user: a thousand nodes are sent the same ones. */
const additions = new WeakMap<SiteUser, readonly NodeCommand[]>();

function additionOf(user: SiteUser): readonly NodeCommand[] {
  const known = additions.get(user);
  if (known) return known;
  const { name, number: uid, group, key } = user;
  const made: NodeCommand[] = [
    { command: 'user-add', user: name, uid, group, key },
    ...user.groups.map(
      (other) => ({ command: 'user-add-group', user: name, group: other }) as const,
    ),
  ];
  additions.set(user, made);
  return made;
}

function missingGroups(
  site: readonly SiteUser[],
  groups: readonly GroupEntry[],
  file: string,
): Problem[] {
  const known = new Set(groups.map(({ name }) => name));
  const missing = new Map<string, number>();
  for (const { line, group: first, groups: others } of site) {
    for (const group of [first, ...others]) {
      if (!known.has(group) && !missing.has(group)) missing.set(group, line);
    }
  }
  return [...missing].map(([group, line]) => ({
    text: `nothing done, as there is no group ${group} (${file}:${line})`,
    way: (nodes) => `xgroupset ${quoted(nodes)} ${group} GID`,
  }));
}

function quoted(nodes: string): string {
  return /^[\w.@,:-]+$/.test(nodes) ? nodes : `'${nodes}'`;
}
