import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parsePrivateKey } from '@xcpu/xcpu-protocol';
import { type Cluster, introduction, startCluster } from '../../scripts/lib/cluster.mjs';
import { login, type NodeLogin } from '../../test/support/client.js';

/** The shipped commands; benchmarks run in the repository's root, as npm does it. */
const BIN = resolve('dist/bin');

/** The path of a shipped command. */
export function command(name: string): string {
  return join(BIN, name);
}

/**
 * Daemons on 127.0.2.1 and up, each a process started as users start it, that know the cluster's user. Who breaks the
 * benchmark off, leaves none of them behind.
 */
export async function startNodes(count: number): Promise<Cluster> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(1));
  }
  const cluster = await startCluster({ bin: BIN, count, network: '127.0.2', first: 1 });
  try {
    for (const [name = '', ...args] of introduction(cluster)) {
      await promisify(execFile)(command(name), args, { cwd: cluster.folder, env: cluster.env });
    }
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/**
 * The arguments of an xrx that runs the words on the cluster's first `count` nodes, in the cluster's folder.
 *
 * @param files what the program sees: the node's own files, or the cluster's user's
 */
export function xrxArguments(
  cluster: Cluster,
  count: number,
  words: readonly string[],
  files: 'node' | 'user' = 'node',
): string[] {
  const options = [...cluster.login, ...(files === 'node' ? ['-l'] : [])];
  return [...options, count === 1 ? 'n1' : `n[1-${count}]`, ...words];
}

/** A conversation of the cluster's user with its first node. */
export async function loginToFirst(cluster: Cluster): Promise<NodeLogin> {
  const { folder, nodes, port, user } = cluster;
  const key = await parsePrivateKey(await readFile(join(folder, 'user_key'), 'utf8'));
  return login(
    { host: nodes[0]?.address ?? '', port },
    { uname: user.name, nUname: user.uid, key },
  );
}
