import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { XcpuFormatError } from './errors.js';
import type { PublicKey } from './keys.js';
import type { PrivateKey } from './private-key.js';

/** Random bytes in a passkey; it travels and is hashed as twice as many hex digits. */
export const PASSKEY_BYTES = 16;

/**
 * A new passkey: 32 lower-case hex digits. Whoever is handed it can log in once as the user for whom
 * it was made.
 */
export function makePasskey(): string {
  return formatPasskey(randomBytes(PASSKEY_BYTES));
}

/**
 * The 16 bytes of a passkey.
 *
 * @throws XcpuFormatError "invalid passkey", without telling what was given
 */
export function parsePasskey(text: string): Buffer {
  return Buffer.from(checkPasskey(text), 'hex');
}

/**
 * 16 bytes as 32 lower-case hex digits; `parsePasskey` gives the bytes back.
 *
 * @throws XcpuFormatError "invalid passkey" for another number of bytes
 */
export function formatPasskey(bytes: Uint8Array): string {
  return checkPasskey(Buffer.from(bytes).toString('hex'));
}

/** Whether the text is 32 lower-case hex digits. */
export function isPasskey(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * A passkey, checked.
 *
 * @returns the passkey
 * @throws XcpuFormatError "invalid passkey", without telling what was given
 */
export function checkPasskey(text: string): string {
  if (!isPasskey(text)) {
    throw new XcpuFormatError('invalid passkey: expected 32 lower-case hex digits');
  }
  return text;
}

/**
 * What a node's `passkey` file reads as: the passkey encrypted for its reader, RSA PKCS#1 v1.5.
 *
 * @throws XcpuFormatError "invalid passkey", or naming the type of a key that nothing can be encrypted for
 */
export function encryptPasskey(passkey: string, publicKey: PublicKey): Buffer {
  checkRsa(publicKey);
  const key = { key: publicKey.key, padding: constants.RSA_PKCS1_PADDING };
  return publicEncrypt(key, Buffer.from(checkPasskey(passkey), 'latin1'));
}

/**
 * The passkey that a node encrypted for the owner of this key. node-forge does it, because Node 20
 * refuses PKCS#1 v1.5 decryption; it is loaded when it is first needed.
 *
 * @throws XcpuFormatError when the bytes do not decrypt to a passkey, or naming the type of a key that decrypts nothing
 */
export async function decryptPasskey(cipher: Uint8Array, privateKey: PrivateKey): Promise<string> {
  checkRsa(privateKey.publicKey);
  const { default: forge } = await import('node-forge');
  const pem = privateKey.key.export({ type: 'pkcs1', format: 'pem' }) as string;
  let text: string;
  try {
    const key = forge.pki.privateKeyFromPem(pem);
    text = key.decrypt(Buffer.from(cipher).toString('latin1'), 'RSAES-PKCS1-V1_5');
  } catch (cause) {
    throw new XcpuFormatError('the passkey cannot be decrypted with this key', { cause });
  }
  if (!isPasskey(text)) {
    throw new XcpuFormatError('the passkey cannot be decrypted with this key');
  }
  return text;
}

function checkRsa({ type }: PublicKey): void {
  if (type !== 'ssh-rsa') {
    throw new XcpuFormatError(`passkeys are for users with RSA keys, and this key is ${type}`);
  }
}
