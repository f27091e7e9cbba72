import { createPublicKey, type KeyObject } from 'node:crypto';
import { XcpuFormatError } from './errors.js';
import { blobOf, KEY_TYPES, type KeyType, keyFromBlob, keyTypeOf } from './key-blob.js';

export { KEY_TYPES, type KeyType, MAX_RSA_BITS, MIN_RSA_BITS } from './key-blob.js';

/** The public half of a user's or the administrator's key. */
export interface PublicKey {
  readonly type: KeyType;
  readonly key: KeyObject;
  /** What follows the key in its line, usually `user@host`; may be empty. */
  readonly comment: string;
  /** The OpenSSH line that it came from, or that says it: `ssh-rsa AAAA... comment`. */
  readonly line: string;
}

/**
 * Where a user's own key is looked for in `~/.ssh`, the public half with `.pub` behind it. The first that is there is
 * the one, for those who log in as for those who let in: RSA before what C programs do not know.
 */
export const SSH_KEY_FILES = ['id_rsa', 'id_ed25519', 'id_ecdsa'] as const;

/** A line for a modulus of 16384 bits has 2800 characters; the rest is comment. */
const MAX_LINE = 8192;

/**
 * An OpenSSH public key line, as in `id_rsa.pub` or `id_ed25519.pub`, a trailing newline allowed.
 *
 * @throws XcpuFormatError "invalid key type" for one that is not in KEY_TYPES, "invalid key"
 */
export function parsePublicKey(text: string): PublicKey {
  const line = text.length <= MAX_LINE ? text.trim() : '';
  const match = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(line);
  if (!match || /[\x00-\x08\x0a-\x1f\x7f]/.test(line)) {
    throw new XcpuFormatError('invalid key');
  }
  const [, name = '', base64 = '', comment = ''] = match;
  const type = KEY_TYPES.find((known) => known === name);
  if (type === undefined) {
    throw new XcpuFormatError('invalid key type');
  }
  return { type, key: keyFromBlob(type, Buffer.from(base64, 'base64')), comment, line };
}

/** The OpenSSH line of a key, without a newline; `parsePublicKey` gives the key back. */
export function formatPublicKey(publicKey: PublicKey): string {
  return publicKey.line;
}

/**
 * The OpenSSH form of a Node.js key, public or private: its public half with the given comment.
 *
 * @throws XcpuFormatError when the key is of a type that does not log in, or too short or long
 */
export function publicKeyFrom(key: KeyObject, comment = ''): PublicKey {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const type = keyTypeOf(half);
  if (type === undefined) {
    throw new XcpuFormatError('invalid key type');
  }
  return parsePublicKey(`${type} ${blobOf(type, half).toString('base64')} ${comment}`);
}
