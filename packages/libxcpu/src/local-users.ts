import { readFileSync, statSync } from 'node:fs';
import { type NodeCommand, type PublicKey, SSH_KEY_FILES } from '@xcpu/xcpu-protocol';
import { SetupError, systemText } from './errors.js';
import { parseId } from './ids.js';
import { isKeyFile, readPublicKey } from './public-key-file.js';

/** Where this machine's users and groups are. */
export interface LocalDatabase {
  readonly passwd?: string;
  readonly group?: string;
}

type UserAdd = Extract<NodeCommand, { command: 'user-add' }>;
type GroupAdd = Extract<NodeCommand, { command: 'group-add' }>;

/**
 * This machine's users who have a public key in `~/.ssh`, the first of SSH_KEY_FILES, as commands that add them to a
 * node. The others, and those whose default group has no name here, are left out.
 * @throws SetupError if the files cannot be read
 */
export function localUsers({ passwd = '/etc/passwd', group }: LocalDatabase = {}): UserAdd[] {
  const groupNames = new Map<number, string>();
  for (const { group: name, gid } of localGroups({ ...(group && { group }) })) {
    if (!groupNames.has(gid)) groupNames.set(gid, name);
  }
  return readFields(passwd).flatMap(([user = '', , uidText = '', gid, , home = '']) => {
    const uid = parseId(uidText);
    const groupName = groupNames.get(Number(gid));
    const key = home === '' ? undefined : publicKeyOf(home);
    if (user === '' || uid === undefined || groupName === undefined || !key) return [];
    return [{ command: 'user-add', user, uid, group: groupName, key }];
  });
}

/**
 * This machine's groups, as commands that add them to a node.
 * @throws SetupError if the file cannot be read
 */
export function localGroups({ group = '/etc/group' }: LocalDatabase = {}): GroupAdd[] {
  return readFields(group).flatMap(([name = '', , gidText = '']) => {
    const gid = parseId(gidText);
    return name !== '' && gid !== undefined ? [{ command: 'group-add', group: name, gid }] : [];
  });
}

function publicKeyOf(home: string): PublicKey | undefined {
  const files = SSH_KEY_FILES.map((name) => `${home}/.ssh/${name}.pub`);
  try {
    const file = files.find((each) => {
      const stats = statSync(each, { throwIfNoEntry: false });
      return stats && isKeyFile(stats);
    });
    return file === undefined ? undefined : readPublicKey(file);
  } catch {
    return undefined;
  }
}

/** The fields of passwd(5) and group(5). */
function readFields(file: string): string[][] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(':'));
  } catch (error) {
    throw new SetupError(`cannot read ${file}: ${systemText(error)}`);
  }
}
