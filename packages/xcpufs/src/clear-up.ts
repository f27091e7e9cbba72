import { Log } from '@xcpu/daemon';
import { clearLeftover } from './scratch.js';

/**
 * Ends what is left of a daemon that was killed, `xcpufs clear-up text|json DIRECTORY`: its sessions' programs, their
 * control groups, and its directory. Started by its guardian; says so in its log.
 */
async function main(): Promise<void> {
  const [format, directory = ''] = process.argv.slice(-2);
  // Whoever ended the daemon may go on to end all that it started.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const) {
    process.on(signal, () => {});
  }
  // Nobody may read the log any more.
  process.stderr.on('error', () => {});
  await clearLeftover(directory, new Log(format === 'json'));
}

void main();
