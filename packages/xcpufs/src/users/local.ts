import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '@xcpu/daemon';
import { parsePublicKey, SSH_KEY_FILES } from '@xcpu/xcpu-protocol';
import type { UserTable } from './users.js';

/** Largest key file that is read, in bytes: a line for the longest key and its comment fit many times. */
const MAX_KEY_FILE = 64 * 1024;

/** One line of passwd(5) or group(5), split. */
type Fields = readonly string[];

/** Number of the host's user or group of that name, if it has one. */
export function hostNumber(file: '/etc/passwd' | '/etc/group', name: string): number | undefined {
  const fields = readTable(file).find(([entry]) => entry === name);
  const number = Number(fields?.[2]);
  return fields && Number.isInteger(number) ? number : undefined;
}

/**
 * Takes the host's users who have an ssh key, with their groups, into the node's table (option `-u`). One who is there
 * already stays as he is; one who cannot be taken is logged and left out.
 */
export function addLocalUsers(users: UserTable, log: Log): void {
  const groups = readTable('/etc/group');
  for (const [name = '', , uid, gid, , home = '', shell = ''] of readTable('/etc/passwd')) {
    if (users.byName(name)) continue;
    const found = findKeyFile(home);
    if (!found) continue;
    try {
      const key = parsePublicKey(found.text);
      const group = groups.find((fields) => fields[2] === gid)?.[0] ?? `gid${gid}`;
      addGroup(users, group, Number(gid));
      users.addUser({ name, uid: Number(uid), group, key, home, shell, local: true });
      for (const [member = '', , memberGid, list = ''] of groups) {
        if (!list.split(',').includes(name)) continue;
        addGroup(users, member, Number(memberGid));
        users.addToGroup(name, member);
      }
      log.event('local user', { user: name, uid });
    } catch (error) {
      log.event('local user left out', { user: name, key: found.file, reason: messageOf(error) });
    }
  }
}

/** The first of the files where a user's own key usually is. */
function findKeyFile(home: string): { file: string; text: string } | undefined {
  for (const name of SSH_KEY_FILES) {
    const file = join(home, '.ssh', `${name}.pub`);
    const text = readKeyFile(file);
    if (text !== undefined) return { file, text };
  }
  return undefined;
}

function addGroup(users: UserTable, name: string, gid: number): void {
  if (!users.groupByName(name)) users.addGroup(name, gid, true);
}

function readTable(file: string): Fields[] {
  const lines = (readIfThere(file) ?? '').split('\n');
  return lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split(':'));
}

/**
 * A user's file, undefined if there is none. He decides what stands there: root must not wait at his FIFO, nor open
 * the device that his link leads to.
 */
export function readKeyFile(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return undefined;
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stats = fstatSync(fd);
      return stats.isFile() && stats.size <= MAX_KEY_FILE ? readFileSync(fd, 'utf8') : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
