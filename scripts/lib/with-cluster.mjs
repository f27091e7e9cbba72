import { constants } from 'node:os';
import { bundleIfNeeded } from './bundles.mjs';
import { startCluster } from './cluster.mjs';
import { BIN } from './paths.mjs';
import { styleText } from './style.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Makes the commands, starts a cluster, uses it, and takes it away again, whatever happens in between. A failure is
 * printed as one line and ends this process with status 1; a signal with 128 + its number.
 *
 * @param {string} name of the program, for its messages
 * @param {Omit<import('./cluster.mjs').ClusterOptions, 'bin'>} options
 * @param {(cluster: import('./cluster.mjs').Cluster, signal: AbortSignal) => Promise<void>} use `signal` is aborted
 * when the user wants to end
 */
export async function withCluster(name, options, use) {
  const ending = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => ending.abort(signal));
  }
  // Nobody reads on, as behind `| head`: the cluster still has to go.
  process.stdout.on('error', () => ending.abort('SIGPIPE'));
  let cluster;
  try {
    checkSystem();
    await bundleIfNeeded();
    ending.signal.throwIfAborted();
    cluster = await startCluster({ bin: BIN, ...options });
    ending.signal.throwIfAborted();
    await use(cluster, ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) {
      console.error(styleText('red', `${name}: ${error.message}`));
      process.exitCode = 1;
    }
  } finally {
    await cluster?.stop();
  }
  if (ending.signal.aborted) {
    process.exitCode = 128 + constants.signals[ending.signal.reason];
  }
}

function checkSystem() {
  if (process.platform !== 'linux') {
    throw new Error(`nodes run on Linux only, not on ${process.platform}`);
  }
}
