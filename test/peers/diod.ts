import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { promisify } from 'node:util';
import { dial, type Transport } from '@xcpu/9p-protocol';
import { lacks } from '../support/needs.js';
import { eventually } from '../support/wait.js';

/** Debian keeps them out of an ordinary user's PATH. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** For `skipIf`: diod is not installed. */
export function lacksDiod(): boolean {
  return lacks('diod (scripts/install-test-packages.sh)', isInstalled('diod'));
}

/** A diod server that ends with its test. */
export interface Diod {
  readonly dial: () => Promise<Transport>;
  stop(): Promise<void>;
}

export interface DiodOptions {
  /** Directories, and the names of its synthetic trees (`ctl`). */
  readonly exports: readonly string[];
  /** Where it listens if not at a free port of 127.0.1.2: the path of a socket. */
  readonly socket?: string;
  /** The user that it runs as, by number; the one that the tests run as by default. */
  readonly uid?: number;
}

/** Starts a diod that wants no proof of who clients are, and waits until it answers. */
export async function startDiod({ exports, socket, uid }: DiodOptions): Promise<Diod> {
  const host = '127.0.1.2';
  const address = socket ?? `${host}:${await freePort(host)}`;
  const words = ['diod', '-f', '-n', '-L', 'stderr', '-l', address];
  for (const path of exports) words.push('-e', path);
  if (uid !== undefined) {
    words.unshift('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups');
  }
  let stopping = false;
  const start = () => {
    // It does not expect that a client may be gone when it answers: SIGPIPE would end it.
    const started = spawn('sh', ['-c', 'trap "" PIPE; exec "$@"', 'sh', ...words], {
      stdio: 'ignore',
      env,
    });
    started.once('exit', (code, signal) => {
      // It crashes at times (a segmentation fault in a thread of its own), whoever asks.
      if (stopping || code !== null) return;
      console.log(`diod ended by ${signal}; it is started again`);
      server = start();
    });
    return started;
  };
  let server = start();
  await eventually(`diod answers at ${address}`, () => answers(address, server));
  return {
    dial: () => dial(address),
    async stop() {
      stopping = true;
      const ended = server.exitCode ?? server.signalCode ?? once(server, 'exit');
      // What hangs in an open of a pipe hears no SIGTERM.
      server.kill('SIGKILL');
      await ended;
    },
  };
}

/** What a command says, and how it ends. */
export interface Output {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly code: number;
}

/** Runs one of diod's client tools. */
export async function tool(name: string, ...args: readonly string[]): Promise<Output> {
  try {
    const options = { env, encoding: 'buffer', maxBuffer: 2 ** 28 } as const;
    const { stdout, stderr } = await promisify(execFile)(name, args, options);
    return { stdout, stderr: stderr.toString(), code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout?: Buffer; stderr?: Buffer; code: unknown };
    if (typeof code !== 'number' || !stdout) throw error;
    return { stdout, stderr: String(stderr), code };
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { env, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(address: string, server: ChildProcess): Promise<boolean> {
  if (server.exitCode !== null) throw new Error(`diod ended with ${server.exitCode}`);
  const [host, port] = address.split(':');
  const socket = port ? connect({ host: host!, port: Number(port) }) : connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
