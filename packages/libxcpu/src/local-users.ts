import { readFileSync, statSync } from 'node:fs';
import {
  KEY_TYPES,
  type NodeCommand,
  type PublicKey,
  parsePublicKey,
  SSH_KEY_FILES,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';
import { SetupError, systemText } from './errors.js';

/** Largest key file of a user's that is read, in bytes. */
const MAX_KEY_FILE = 64 * 1024;

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
  return readFields(passwd).flatMap(([user = '', , uid, gid, , home = '']) => {
    const groupName = groupNames.get(Number(gid));
    const key = home === '' ? undefined : publicKeyOf(home);
    if (user === '' || !isId(uid) || groupName === undefined || !key) return [];
    return [{ command: 'user-add', user, uid: Number(uid), group: groupName, key }];
  });
}

/**
 * This machine's groups, as commands that add them to a node.
 * @throws SetupError if the file cannot be read
 */
export function localGroups({ group = '/etc/group' }: LocalDatabase = {}): GroupAdd[] {
  return readFields(group).flatMap(([name = '', , gid]) =>
    name !== '' && isId(gid) ? [{ command: 'group-add', group: name, gid: Number(gid) }] : [],
  );
}

/**
 * A public key file for a user to be known by.
 * @throws SetupError naming the file, what is wrong with it and the way out
 */
export function readPublicKey(file: string): PublicKey {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SetupError(`cannot read the key file ${file}: ${systemText(error)}`);
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new SetupError(
      `${file} is a private key, which stays with its owner: give the public one, ${file}.pub`,
    );
  }
  try {
    return parsePublicKey(text);
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    throw new SetupError(
      `${file}: ${error.message}: expected a line "ssh-rsa AAAA… comment" or of type ${otherTypes()}, as ssh-keygen makes`,
    );
  }
}

function otherTypes(): string {
  return KEY_TYPES.filter((type) => type !== 'ssh-rsa').join(', ');
}

/** What stands there is for each user to say: a FIFO or a device must not hold up an administrator. */
function publicKeyOf(home: string): PublicKey | undefined {
  const files = SSH_KEY_FILES.map((name) => `${home}/.ssh/${name}.pub`);
  try {
    const file = files.find((each) => {
      const stats = statSync(each, { throwIfNoEntry: false });
      return stats?.isFile() && stats.size <= MAX_KEY_FILE;
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

function isId(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 0xffffffff;
}
