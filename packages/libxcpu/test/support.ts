import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type PrivateKey, publicKeyFrom } from '@xcpu/xcpu-protocol';
import { onTestFinished } from 'vitest';
import type { Job, JobEvent, Login } from '../src/index.js';
import { FakeNode, type FakeNodeOptions } from './fake-node.js';

function makeKey(): PrivateKey {
  return withPublicKey(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
}

function withPublicKey(key: KeyObject): PrivateKey {
  return { key, publicKey: publicKeyFrom(key) };
}

/** Keys are dear to make: the tests share these. */
export const aliceKey = makeKey();
export const otherKey = makeKey();
/** Of a type that C nodes do not know. */
export const ed25519Key = withPublicKey(generateKeyPairSync('ed25519').privateKey);

export const alice: Login = {
  user: 'alice',
  key: { file: 'alice_key', privateKey: aliceKey },
};

/** A node that ends with the test and knows alice, unless told otherwise. */
export async function fakeNode(options: FakeNodeOptions = {}, name = 'n1'): Promise<FakeNode> {
  const node = await FakeNode.start(name, { users: { alice: aliceKey.publicKey }, ...options });
  onTestFinished(() => node.close());
  return node;
}

/** Everything that a job wrote, by `rank stream`, and the results. */
export async function collect(job: Job) {
  const output: Record<string, string> = {};
  for await (const event of job) append(output, event);
  return { output, results: await job.result };
}

export function append(output: Record<string, string>, event: JobEvent): void {
  if (event.type !== 'output') return;
  const key = `${event.rank} ${event.stream}`;
  output[key] = (output[key] ?? '') + Buffer.from(event.data).toString('latin1');
}

/** Waits until a condition holds; the test's timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
