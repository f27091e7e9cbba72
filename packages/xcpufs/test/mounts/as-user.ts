/**
 * What a daemon does that is not root: as-user.cjs HELPER DIRECTORY FILES [SCRIPT]. Mounts FILES in a namespace of its
 * own, runs the script there, and prints what that prints, or why it cannot be.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { DuplexTransport } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server } from '@xcpu/9p-protocol/server';
import { FuseMounter } from '../../src/mounts/fuse-mounter.js';

async function main([program = '', directory = '', files = '', script = '']: string[]) {
  const mounter = new FuseMounter({ directory, program, ownNamespace: true, log: () => {} });
  const server = new Server(serveDirectory(files));
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, name: 'user' };
  try {
    const namespace = await mounter.userNamespace();
    const enter = [`--user=/proc/${namespace?.pid}/ns/user`, '--preserve-credentials', '--'];
    const make = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c'];
    const place = 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/1 && echo; read -r _; cd /mnt/1;';
    const child = spawn('nsenter', [...enter, ...make, `${place} ${script}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.stdout.pipe(process.stdout);
    const request = { pid: child.pid as number, directory: '/mnt/1', user, readOnly: false };
    await mounter.mount({ ...request, msize: 1024 * 1024, source: 'test' }, (stream: Duplex) =>
      server.accept(new DuplexTransport(stream, { address: 'test', group: 'test' })),
    );
    child.stdin.end('\n');
    await once(child, 'close');
  } catch (error) {
    process.stdout.write(`${(error as Error).name}: ${(error as Error).message}\n`);
  }
  await mounter.close();
}

void main(process.argv.slice(2));
