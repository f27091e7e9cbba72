import { accessSync, constants } from 'node:fs';
import { DEFAULT_MSIZE, parseAddress } from '@xcpu/9p-protocol';
import { systemText, UsageError } from '@xcpu/libxcpu';
import { msizeOf } from '../option-values.js';
import { writeText } from '../output.js';
import { ADDRESS, type ServeOptions, startServing } from '../serving.js';
import type { Verb, VerbLine } from '../verb.js';

export const serve: Verb = {
  name: 'serve',
  usage: ['DIR'],
  summary: `Serves a directory as the user who runs this, to everybody who can connect, without asking who that is:
by default to the users of this machine. Clients never leave the directory; symbolic links are theirs to follow. Runs
until it is interrupted.`,
  examples: [
    ['9p serve .', `this directory at ${ADDRESS}`],
    ["9p serve --readonly --listen 'tcp!*!564' /srv", 'to everybody, read-only'],
    ['9p serve --listen /run/user/1000/files ~', 'at a socket that is your own'],
  ],
  define: (command) => {
    command
      .option(
        '-l, --listen <ADDRESS>',
        `where to listen, may be given several times (${ADDRESS}); a Unix socket is for its owner alone`,
        (address: string, before: readonly string[] | undefined) => [...(before ?? []), address],
      )
      .option('--readonly', 'let nobody change anything')
      .option('-m, --msize <BYTES>', `the largest message (${DEFAULT_MSIZE})`);
  },
  run: async (line) => {
    const options = optionsOf(line);
    const serving = await startServing(options);
    const stopped = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    });
    // Those who started it may leave.
    process.on('SIGHUP', () => {});
    await writeText(serving.hints).catch(() => {});
    await stopped;
    await serving.stop();
    return 0;
  },
};

function optionsOf({ operands, options, connection, address }: VerbLine): ServeOptions {
  const [directory, ...others] = operands;
  if (address !== undefined)
    throw new UsageError('-a is for verbs that connect; here it is --listen');
  if (directory === undefined) throw new UsageError('a directory to serve is missing');
  if (others.length > 0) throw new UsageError('one directory is wanted');
  const { listen = [ADDRESS], msize } = options as { listen?: string[]; msize?: string };
  checkDirectory(directory);
  for (const address of listen) checkAddress(address);
  return {
    directory,
    addresses: listen,
    readonly: options.readonly === true,
    msize: msize === undefined ? undefined : msizeOf(msize),
    debug: connection.debug ?? false,
  };
}

function checkAddress(address: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    throw new UsageError(`--listen: ${error instanceof Error ? error.message : error}`);
  }
}

function checkDirectory(directory: string): void {
  try {
    accessSync(`${directory}/.`, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`${directory}: ${systemText(error)}`);
  }
}
