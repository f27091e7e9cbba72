import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPublicKey, type PrivateKey, publicKeyFrom } from '@xcpu/xcpu-protocol';

/** An RSA key pair in memory and, once written, in two files. */
export interface TestKey extends PrivateKey {
  readonly name: string;
  /** The OpenSSH line of the public half, without a newline. */
  readonly line: string;
}

/** Where a pair of key files is. */
export interface KeyFiles {
  /** PEM, mode 0600. */
  readonly privateFile: string;
  /** One OpenSSH line. */
  readonly publicFile: string;
}

const made = new Map<string, TestKey>();

/** The key of that name: made on first use, then the same one for the whole process. */
export function testKey(name: string): TestKey {
  const known = made.get(name);
  if (known) return known;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { name, ...keyPair(privateKey, `${name}@xcpu-test`) };
  made.set(name, key);
  return key;
}

/** Writes `NAME` (readable by its owner `uid` only) and `NAME.pub` into `directory`. */
export async function writeKey(
  key: TestKey,
  directory: string,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<KeyFiles> {
  await mkdir(directory, { recursive: true });
  const privateFile = join(directory, key.name);
  const publicFile = `${privateFile}.pub`;
  await writeFile(privateFile, key.key.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  await writeFile(publicFile, `${key.line}\n`);
  if (owner) await chown(privateFile, owner.uid, owner.gid);
  return { privateFile, publicFile };
}

function keyPair(key: KeyObject, comment: string): PrivateKey & { line: string } {
  const publicKey = publicKeyFrom(key, comment);
  return { key, publicKey, line: formatPublicKey(publicKey) };
}
