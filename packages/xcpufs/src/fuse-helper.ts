import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { FuseService } from './mounts/fuse-service.js';
import {
  type AbortOrder,
  formatLine,
  type HelperNews,
  parseLine,
} from './mounts/helper-protocol.js';

/**
 * A process that serves FUSE mounts of one daemon, `xcpufs fuse-helper SOCKET`: part of the daemon's file, so that a node
 * needs no other. It listens at the socket until its input ends,
 * see `mounts/helper-protocol.ts`.
 */
function main(): void {
  const path = process.argv.at(-1) ?? '';
  nameProcess();
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error.stack}\n`);
    die();
  });
  process.stdout.on('error', die);
  const tell = (news: HelperNews) => process.stdout.write(formatLine(news));
  const service = new FuseService(tell);
  // At its end the daemon is gone.
  process.stdin.on('error', die);
  createInterface(process.stdin)
    .on('line', (line) => service.abort(parseLine<AbortOrder>(line)))
    .on('close', die);
  createServer((socket) => service.accept(socket))
    .on('error', (error) => {
      process.stderr.write(`${path}: ${error.message}\n`);
      die();
    })
    .listen({ path, backlog: 1024 }, () => tell({ event: 'listening' }));
}

/** Ends at once. `process.exit` would wait for calls in threads of Node's pool, and one of those might wait for a mount. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** So that it can be told from the daemon in lists of processes. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'xcpufs-fuse');
  } catch {
    // Only a convenience.
  }
}

main();
