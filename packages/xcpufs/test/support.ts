import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request } from '@xcpu/9p-protocol/server';
import { type PrivateKey, publicKeyFrom } from '@xcpu/xcpu-protocol';
import { onTestFinished } from 'vitest';
import { Caller } from '../src/tree/caller.js';
import { type User, UserTable } from '../src/users/users.js';

/** What a file's operation is given, and the flush of it. */
export interface TestRequest<U = unknown> extends Request<U> {
  abort(): void;
}

/** A request as a connection makes it. */
export function request<U = unknown>(user?: U, connection: unknown = { transport: {} }) {
  let cancel: ((reason: Error) => void) | undefined;
  return {
    user,
    connection,
    onCancel: (listener: typeof cancel) => {
      cancel = listener;
    },
    congested: false,
    abort: () => cancel?.(new Error('flushed')),
  } as unknown as TestRequest<U>;
}

/** Removed when the test has ended. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'xcpufs-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const keys = new Map<string, PrivateKey>();

/** The RSA key of that name, the same one throughout a file; small, because making one takes long. */
export function testKey(name: string): PrivateKey {
  const known = keys.get(name);
  if (known) return known;
  const key = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const made = { key, publicKey: publicKeyFrom(key, name) };
  keys.set(name, made);
  return made;
}

/** A table with an administrator who has a key, and nobody else. */
export function makeTable(): UserTable {
  return new UserTable({ uid: 65_530, gid: 65_530, key: testKey('admin').publicKey });
}

/** A user with a key and a group of his own name. */
export function addUser(table: UserTable, name: string, uid: number): User {
  table.addGroup(`${name}s`, uid);
  return table.addUser({ name, uid, group: `${name}s`, key: testKey(name).publicKey });
}

/** A client who attached as that user. */
export function callerOf(table: UserTable, user: User): Caller {
  return new Caller(user, table);
}

/** Lets what is under way in this process, timers and disk apart, come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The text of what a file's read yielded. */
export async function textOf(
  data: Uint8Array | readonly Uint8Array[] | Promise<Uint8Array | readonly Uint8Array[]>,
): Promise<string> {
  const read = await data;
  return Buffer.concat(read instanceof Uint8Array ? [read] : [...read]).toString();
}
