import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  checkGroupName,
  checkUserName,
  fingerprint,
  KEY_TYPES,
  type PublicKey,
  parsePublicKey,
} from '@xcpu/xcpu-protocol';
import { errorText, SetupError, systemText } from '../errors.js';
import { parseId } from '../ids.js';
import { ADMIN_USER } from '../login.js';
import { isKeyFile, readPublicKey } from '../public-key-file.js';
import { parseSiteFile, type SiteEntry, type SiteFile, takeWord } from './site-file.js';

/** A user as a site wants him to be on its nodes. */
export interface SiteUser extends SiteEntry {
  /** His default group. */
  readonly group: string;
  /** The groups that he is in beside it. */
  readonly groups: readonly string[];
  readonly key: PublicKey;
  readonly fingerprint: string;
}

/** Who logs in without a key: in no group of the node's. */
export const NOBODY = 'nobody';
/** Users whom every node has, and has for itself. */
export const NODES_OWN_USERS: readonly string[] = [ADMIN_USER, NOBODY];

const FORM = 'NAME UID GROUP[,GROUP...] KEY';

/**
 * The users of a file: `NAME UID GROUP[,GROUP...] KEY` per line, the default group first. KEY is a public key line, or
 * the name of a file that has one.
 * @throws SetupError naming every line at fault
 */
export function parseSiteUsers(file: SiteFile): SiteUser[] {
  return parseSiteFile(file, (text, line) => {
    const [name, afterName] = takeWord(text);
    const [uid, afterUid] = takeWord(afterName);
    const [list, key] = takeWord(afterUid);
    if (key === '') throw new SetupError(`expected ${FORM}`);
    if (NODES_OWN_USERS.includes(checkUserName(name))) {
      throw new SetupError(`${name} is the nodes' own: leave the line out`);
    }
    const number = idOf('UID', uid, FORM);
    const [group = '', ...others] = list.split(',').map(checkGroupName);
    const publicKey = keyOf(key, file.directory);
    return {
      name,
      number,
      line,
      group,
      groups: [...new Set(others)].filter((other) => other !== group),
      key: publicKey,
      fingerprint: fingerprint(publicKey),
    };
  });
}

/**
 * A user's or group's number.
 * @throws SetupError naming what stands there, and the form of a line
 */
export function idOf(what: string, text: string, form: string): number {
  const id = parseId(text);
  if (id !== undefined) return id;
  throw new SetupError(`${what} ${text}: a number is wanted; expected ${form}`);
}

function keyOf(text: string, directory: string): PublicKey {
  if (/^(ssh|ecdsa|sk)-\S+[ \t]/.test(text)) return parseKey(text);
  if (/^~[^/]/.test(text)) throw new SetupError(`${text}: only ~/ is understood: write the path`);
  const file = text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(directory, text);
  refuseStrange(file);
  return readPublicKey(file);
}

function parseKey(text: string): PublicKey {
  try {
    return parsePublicKey(text);
  } catch (error) {
    throw new SetupError(`${errorText(error)}: wanted is one of type ${KEY_TYPES.join(', ')}`);
  }
}

function refuseStrange(file: string): void {
  let usable: boolean;
  try {
    usable = isKeyFile(statSync(file));
  } catch (error) {
    throw new SetupError(`cannot read the key file ${file}: ${systemText(error)}`);
  }
  if (!usable) throw new SetupError(`${file} is no key file`);
}
