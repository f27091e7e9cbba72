import type { GroupEntry, NodeCommand, UserEntry } from '@xcpu/xcpu-protocol';
import { type Change, type NodePlan, orderSteps, type PlanOptions, type Problem } from './plan.js';
import { ADMIN_GROUP, type SiteGroup } from './site-groups.js';
import { NOBODY } from './site-users.js';

/** What a node knows of groups, and who is in them. */
export interface GroupTables {
  readonly users: readonly UserEntry[];
  readonly groups: readonly GroupEntry[];
}

/**
 * What makes a node's groups those of the site. A group that goes takes its members' membership with it, as with
 * groupdel(8); one that is the default group of somebody stays.
 */
export function planGroups(
  site: readonly SiteGroup[],
  { users, groups }: GroupTables,
  options: PlanOptions,
): NodePlan {
  const members = new Members(users);
  return orderSteps<SiteGroup>({
    ...sortOut(site, groups, members, options),
    kept: [],
    holders: new Map(groups.map(({ name, gid }) => [gid, name])),
    remove: (group) => [
      ...members.commands('user-del-group', group),
      { command: 'group-del', group },
    ],
    // One that was there before gets its members back.
    add: ({ name, number }) => [
      { command: 'group-add', group: name, gid: number },
      ...members.commands('user-add-group', name),
    ],
  });
}

function sortOut(
  site: readonly SiteGroup[],
  groups: readonly GroupEntry[],
  members: Members,
  { sync, file }: PlanOptions,
) {
  const added: SiteGroup[] = [];
  const replaced = new Map<SiteGroup, Change>();
  const removed: Change[] = [];
  const problems: Problem[] = [];
  const stays = (name: string, text: string) => problems.push({ names: [name], text });
  const current = new Map(groups.map(({ name, gid }) => [name, gid]));
  for (const group of site) {
    const { name, number, line } = group;
    const gid = current.get(name);
    if (gid === undefined) added.push(group);
    else if (gid !== number) {
      const reason = sync ? members.needs(gid) : '; --sync changes that';
      if (reason) stays(name, `${name} has gid ${gid}, unlike ${file}:${line}${reason}`);
      else replaced.set(group, { sign: '~', name, details: [`gid ${gid} to ${number}`] });
    }
  }
  const wanted = new Set(site.map(({ name }) => name));
  for (const { name, gid } of sync ? groups : []) {
    if (wanted.has(name) || name === ADMIN_GROUP) continue;
    const reason = members.needs(gid);
    if (reason) stays(name, `${name} is not in ${file}${reason}`);
    else removed.push({ sign: '-', name });
  }
  return { added, replaced, removed, problems };
}

/** Who is in which group of a node. */
class Members {
  readonly #byGroup = new Map<string, string[]>();
  /** By number, those who have it as their default group. */
  readonly #defaults = new Map<number, string[]>();

  constructor(users: readonly UserEntry[]) {
    for (const { name, gid, groups } of users) {
      for (const group of groups) append(this.#byGroup, group, name);
      // The user without a key shows a number that is no group of his.
      if (name !== NOBODY) append(this.#defaults, gid, name);
    }
  }

  /** Why a group has to stay, and what helps. */
  needs(gid: number): string | undefined {
    const [first, ...others] = this.#defaults.get(gid) ?? [];
    if (first === undefined) return undefined;
    const who = others.length > 0 ? `${first} and ${others.length} more` : first;
    return `, but stays: it is the default group of ${who}; delete or change such users first`;
  }

  commands(command: 'user-add-group' | 'user-del-group', group: string): NodeCommand[] {
    return (this.#byGroup.get(group) ?? []).map((user) => ({ command, user, group }));
  }
}

function append<K>(map: Map<K, string[]>, key: K, name: string): void {
  const names = map.get(key);
  if (names) names.push(name);
  else map.set(key, [name]);
}
