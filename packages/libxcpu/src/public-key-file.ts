import { readFileSync, type Stats } from 'node:fs';
import { KEY_TYPES, type PublicKey, parsePublicKey, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { SetupError, systemText } from './errors.js';

/** Largest key file of a user's that is read, in bytes. */
const MAX_KEY_FILE = 64 * 1024;

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

/**
 * Whether a file in a user's home can be his key. What stands there is for him to say: a FIFO or a device must not hold
 * up an administrator.
 */
export function isKeyFile(stats: Stats): boolean {
  return stats.isFile() && stats.size <= MAX_KEY_FILE;
}

function otherTypes(): string {
  return KEY_TYPES.filter((type) => type !== 'ssh-rsa').join(', ');
}
