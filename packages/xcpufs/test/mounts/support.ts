import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DuplexTransport } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { type FileServer, Server } from '@xcpu/9p-protocol/server';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import { canUnshare } from '../../../../test/support/namespace.js';
import { isRoot, lacks } from '../../../../test/support/needs.js';
import { FuseMounter } from '../../src/mounts/fuse-mounter.js';
import type { Connect, Mounted, MountRequest } from '../../src/mounts/mounter.js';
import { relay } from '../../src/mounts/relay.js';
import { temporaryDirectory } from '../support.js';

export const ALICE = { uid: 5001, gid: 5001, name: 'alice' };
export const BOB = { uid: 5002, gid: 5002, name: 'bob' };

export function lacksFuse(): boolean {
  return lacks('root, mount namespaces and /dev/fuse', isRoot && canUnshare && hasFuse());
}

function hasFuse(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Bundles a program of the sources, or of the tests, into one file that Node.js runs. */
export async function bundled(source: string, directory: string): Promise<string> {
  const outfile = join(directory, `${source.replace(/.*\//, '').replace(/\.ts$/, '')}.cjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    conditions: ['@xcpu/source'],
    external: ['*.node', 'cpu-features'],
    logLevel: 'error',
  });
  return outfile;
}

/** A mounter that is closed when the test has ended, and what it logged. */
export function fuseMounter(program: string, maxMounts?: number) {
  const directory = temporaryDirectory();
  const logged: string[] = [];
  const log = (text: string) => logged.push(text);
  const mounter = new FuseMounter({ directory, program, ownNamespace: false, maxMounts, log });
  onTestFinished(() => mounter.close());
  return { mounter, logged, directory, helpers: () => processesWith(directory) };
}

/** Numbers of the processes that have this in their command line. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Joins the mount to a file server of this process. */
export function servedBy(files: FileServer): Connect {
  const server = new Server(files);
  return (stream) => {
    server.accept(new DuplexTransport(stream, { address: 'xrx', group: 'xrx' }));
  };
}

/** A directory that Alice may use, and its server, which asks nobody who he is. */
export function exported(options: Parameters<typeof serveDirectory>[1] = {}) {
  const parent = temporaryDirectory();
  const directory = join(parent, 'exported');
  chmodSync(parent, 0o711);
  mkdirSync(directory);
  chownSync(directory, ALICE.uid, ALICE.gid);
  const files = serveDirectory(directory, options);
  onTestFinished(() => files.close());
  return { directory, connect: servedBy(files) };
}

/** Joins the mount to a server of that directory which runs as that user. */
export function servedAs(user: { uid: number; gid: number }, program: string, directory: string) {
  const connect: Connect = (stream, options) => {
    const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'];
    const server = spawn('setpriv', [...identity, process.execPath, program, directory], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    relay(stream, server.stdio[3] as Duplex, options);
  };
  return connect;
}

/** What a program did. */
export interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

/** A mount namespace of its own, kept by a process that sleeps, with empty directories `/mnt/1`, `/mnt/2`, …. */
export class Namespace {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async make(directories = 1): Promise<Namespace> {
    const script = `mount -t tmpfs -o mode=711 tmpfs /mnt
      seq -f /mnt/%g ${directories} | xargs mkdir
      echo; exec sleep infinity`;
    const args = ['--mount', '--propagation', 'private', 'sh', '-ec', script];
    const holder = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => {
      holder.kill('SIGKILL');
    });
    await once(holder.stdout as Duplex, 'data');
    return new Namespace(holder);
  }

  get pid(): number {
    return this.#holder.pid as number;
  }

  /** Mount points of FUSE below `/mnt`, which is the namespace's own: elsewhere are those of the machine. */
  get mounts(): string[] {
    return readFileSync(`/proc/${this.pid}/mountinfo`, 'utf8')
      .split('\n')
      .filter((line) => line.includes(' - fuse'))
      .map((line) => line.split(' ')[4] ?? '')
      .filter((mountPoint) => mountPoint.startsWith('/mnt/'));
  }

  request(more: Partial<MountRequest> = {}): MountRequest {
    return {
      ...{ pid: this.pid, directory: '/mnt/1', user: ALICE, readOnly: false },
      ...{ msize: 1024 * 1024, source: 'session!term', ...more },
    };
  }

  /** Runs a shell script there as a user, in the mount. */
  run(script: string, user: { uid: number; gid: number } = ALICE, at = '/mnt/1'): Promise<Outcome> {
    const { child, outcome } = this.start(`cd ${at} || exit 99\n${script}`, user);
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    return outcome.finally(() => clearTimeout(timer));
  }

  /** Starts a shell script there. */
  start(script: string, { uid, gid }: { uid: number; gid: number } = ALICE) {
    const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    const into = [`--mount=/proc/${this.pid}/ns/mnt`, '--', 'setpriv', ...identity];
    const child = spawn('nsenter', [...into, 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.on('data', (piece) => {
      text += piece;
    });
    child.stderr.on('data', (piece) => {
      text += piece;
    });
    const outcome = new Promise<Outcome>((resolve) => {
      child.once('close', (status) => resolve({ status, text }));
    });
    return { child, outcome };
  }

  /** Kills the process that keeps the namespace, and waits for its end. */
  async end(): Promise<void> {
    const exit = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await exit;
  }
}

/** Whether that promise has been kept by now. */
export async function isOver(mounted: Mounted): Promise<boolean> {
  return Promise.race([mounted.ended.then(() => true), Promise.resolve(false)]);
}
