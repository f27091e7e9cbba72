import { MAX_ID, parseDecimal } from './decimal.js';
import { show, XcpuFormatError } from './errors.js';
import { parseLines } from './lines.js';
import { checkGroupName, checkUserName } from './names.js';

/** A user as a node knows him: one line of `pwent`. */
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  /** His default group; 0 where the node has none for him. */
  readonly gid: number;
  /** Names of all groups that he is in, the default one included. */
  readonly groups: readonly string[];
}

/** A group as a node knows it: one line of `grent`. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
}

/**
 * A node's `pwent` file: `name:uid:gid:group,group` per line, without the fourth field for a user
 * who is in no group.
 *
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseUserEntries(text: string): UserEntry[] {
  return parseLines(text, 'pwent line', (line) => {
    if (line === '') {
      return undefined;
    }
    const fields = line.split(':');
    const [name, uid, gid, groups] = fields;
    if (fields.length < 3 || fields.length > 4) {
      throw new XcpuFormatError(`expected name:uid:gid:groups, found ${show(line)}`);
    }
    return {
      name: checkUserName(name!),
      uid: parseId(uid!),
      gid: parseId(gid!),
      groups: groups ? groups.split(',').map(checkGroupName) : [],
    };
  });
}

/**
 * The text of `pwent`; `parseUserEntries` gives the users back.
 *
 * @throws XcpuFormatError for a name or number that would forge a line
 */
export function formatUserEntries(users: Iterable<UserEntry>): string {
  let text = '';
  for (const { name, uid, gid, groups } of users) {
    text += `${checkUserName(name)}:${checkId(uid)}:${checkId(gid)}`;
    text += groups.length > 0 ? `:${groups.map(checkGroupName).join(',')}\n` : '\n';
  }
  return text;
}

/**
 * A node's `grent` file: `name:gid` per line.
 *
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseGroupEntries(text: string): GroupEntry[] {
  return parseLines(text, 'grent line', (line) => {
    if (line === '') {
      return undefined;
    }
    const fields = line.split(':');
    const [name, gid] = fields;
    if (fields.length !== 2) {
      throw new XcpuFormatError(`expected name:gid, found ${show(line)}`);
    }
    return { name: checkGroupName(name!), gid: parseId(gid!) };
  });
}

/**
 * The text of `grent`; `parseGroupEntries` gives the groups back.
 *
 * @throws XcpuFormatError for a name or number that would forge a line
 */
export function formatGroupEntries(groups: Iterable<GroupEntry>): string {
  let text = '';
  for (const { name, gid } of groups) {
    text += `${checkGroupName(name)}:${checkId(gid)}\n`;
  }
  return text;
}

function parseId(text: string): number {
  const id = parseDecimal(text, MAX_ID);
  if (id === undefined) {
    throw new XcpuFormatError(`${show(text)} is not a user or group number`);
  }
  return id;
}

function checkId(id: number): number {
  if (!Number.isInteger(id) || id < 0 || id > MAX_ID) {
    throw new XcpuFormatError(`${id} is not a user or group number`);
  }
  return id;
}
