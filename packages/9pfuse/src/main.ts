import { printError, printOut, start } from '@xcpu/libxcpu/cli';
import { type FuseCommand, parseCommand } from './command-line.js';

start('9pfuse', main);

async function main(args: readonly string[]): Promise<number> {
  const command = await parseCommand(args);
  if (typeof command === 'string') {
    await printOut(command);
    return 0;
  }
  const { runInBackground, tellMounted } = await import('./background.js');
  return command.foreground ? serve(command, tellMounted) : runInBackground(args);
}

/** Mounts, and serves until the mount is gone. */
async function serve(command: FuseCommand, mounted: () => void): Promise<number> {
  const { connectServer } = await import('@xcpu/libxcpu/files');
  const { mountFuse } = await import('./mount-fuse.js');
  const ended = endSignal();
  const { name, files } = await connectServer(command.address, command.server);
  const trace = command.debug ? await debugTrace() : undefined;
  const mount = await mountFuse({
    ...command.mount,
    root: files.root,
    mountpoint: command.mountpoint,
    ...(trace && { trace }),
  });
  process.on('uncaughtException', die);
  ended.then(() => mount.close()).catch(die);
  mounted();
  const lost = await mount.closed;
  if (lost) printError(`9pfuse: ${name}: ${lost.message}: unmounted ${mount.path}\n`);
  else files.close();
  return lost ? 1 : 0;
}

/** Resolves when a signal asks this program to end: also one that comes before there is anything to unmount. */
function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve());
    }
  });
}

/**
 * Ends where there is no orderly way, by an error of this program or because the mount is covered: everybody who uses
 * the mount is told at once. `process.exit` would wait for calls in threads of Node's pool, and one of those might wait
 * for the mount.
 */
function die(error: Error): void {
  printError(`9pfuse: ${error.message}\n`);
  process.kill(process.pid, 'SIGKILL');
}

async function debugTrace() {
  const { formatRequest } = await import('./protocol/format.js');
  return {
    request: (request: Parameters<typeof formatRequest>[0]) => {
      printError(`fuse <- ${formatRequest(request)}\n`);
    },
    reply: (unique: number | bigint, error: number, bytes: number) => {
      printError(`fuse -> ${unique} ${error === 0 ? `${bytes} bytes` : `error ${error}`}\n`);
    },
  };
}
