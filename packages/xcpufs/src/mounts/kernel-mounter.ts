import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { type Dialect, DuplexTransport } from '@xcpu/9p-protocol';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { TOOL_PATH } from '../program/tools.js';
import {
  type Connect,
  MountError,
  type Mounted,
  type Mounter,
  type MountRequest,
  StreamMounted,
} from './mounter.js';

/** Descriptor of the conversation in mount(8). */
const CHANNEL = 3;

/**
 * Mounts by the kernel's 9P client: Documentation/filesystems/9p.rst. The kernel reads and writes one end of a socket
 * pair, and keeps it for as long as the mount is there.
 */
export class KernelMounter implements Mounter {
  readonly kind = 'kernel';
  /** A server may agree on a lesser dialect than asked for, but some do not know that of Linux. */
  readonly dialects: readonly [Dialect, ...Dialect[]] = ['9P2000.L', '9P2000.u'];

  async mount(request: MountRequest, connect: Connect): Promise<Mounted> {
    const { pid, directory, source } = request;
    const settings = settingsOf(request, this.dialects[0]);
    // mount(8) enters the namespace for the system call alone, and looks no other name up there.
    const where = ['-N', String(pid), '-n', '-c'];
    const args = [...where, '-i', '-t', '9p', '-o', settings, '--', source, directory];
    const child = startMount('mount', args);
    const stream = child.stdio[CHANNEL] as Duplex;
    try {
      // The kernel talks to the server before mount(8) ends.
      connect(stream, { neverStall: true });
      const refusal = await ended(child);
      if (refusal === undefined) return new StreamMounted(stream);
      throw new MountError(`cannot mount on ${directory}: ${refusal}`);
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  async userNamespace(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}

/**
 * Why the kernel cannot mount a conversation, undefined if it can: tried with an empty tree, in a namespace that ends with
 * the attempt. That loads the modules where they are there to be loaded.
 * @param directory any that is there
 */
export async function kernelRefusal(directory: string): Promise<string | undefined> {
  const settings = `${TRANSPORT},version=9p2000.L`;
  const command = ['mount', '-i', '-n', '-t', '9p', '-o', settings, '--', 'none', directory];
  const child = startMount('unshare', ['--mount', '--propagation', 'private', '--', ...command]);
  const stream = child.stdio[CHANNEL] as Duplex;
  new Server(serveTree({})).accept(
    new DuplexTransport(stream, { address: 'kernel', group: 'kernel' }),
  );
  const refusal = await ended(child);
  stream.destroy();
  if (refusal?.includes('unknown filesystem type')) return 'there is none';
  return refusal;
}

const TRANSPORT = `trans=fd,rfdno=${CHANNEL},wfdno=${CHANNEL}`;

function settingsOf(request: MountRequest, richest: Dialect): string {
  const { user, msize, readOnly, unchanging, dialect = richest } = request;
  return [
    TRANSPORT,
    `version=${dialect.toLowerCase().replace(/l$/, 'L')}`,
    // The kernel knows no way to write a comma.
    `uname=${/^[\w.@+-]+$/.test(user.name) ? user.name : user.uid}`,
    // As with FUSE: chroot(2), which only root may, opens what it goes to. All that is done is done as this user.
    'access=any',
    `msize=${msize}`,
    // Asks about names and attributes anew, so that what changes at home is seen, and keeps what is mapped: shared mmap(2)
    // works, `xrx n8 /bin/true` takes 292 requests and not 538 as with `none`. `loose` takes 150, and never sees that a
    // file has changed. What is written has left by the end of write(2), or from Linux 6.4 on of close(2), and what is in
    // a map by the end of that; with `loose`, before Linux 6.4, at any time, and the conversation may be over by then.
    // See docs/performance.md.
    `cache=${unchanging && readOnly ? 'loose' : 'mmap'}`,
    'nosuid,nodev',
    ...(readOnly ? ['ro'] : []),
  ].join(',');
}

function startMount(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, {
    cwd: '/',
    env: { PATH: TOOL_PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
}

/** What mount(8) says when it fails. It ends long before its channel does, which the kernel keeps. */
function ended(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (status) =>
      // What it said may still be on its way.
      setImmediate(() => resolve(status === 0 ? undefined : reasonOf(text))),
    );
  });
}

/** The first line, without who says so: the second is about dmesg(1), which is not the user's to read. */
function reasonOf(text: string): string {
  const [line = ''] = text.trim().split('\n');
  return line.replace(/^mount: (\/\S*: )?/, '') || 'mount(8) does not say why';
}
