import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/cluster.js';
import type { TestKey } from '../support/keys.js';
import { guestImage } from './image.js';
import { qemuCommand } from './qemu.js';
import { TOOL_PATH } from './tools.js';

export interface GuestOptions {
  /** Whose administrator's key the guest's xcpufs trusts. */
  readonly adminKey: Pick<TestKey, 'line'>;
  /** On this machine's loopback network: where the guest's xcpufs is reached. Default: 127.0.1.70. */
  readonly host?: string;
  /** More options for xcpufs, separated by blanks. */
  readonly xcpufsOptions?: string;
  /** In MiB; its files take 100 of them. */
  readonly memory?: number;
  /** Gives a shell on its serial line to this process's terminal, and no console to read. */
  readonly shell?: boolean;
}

/** How a script in a guest ended, and what it printed, errors included. */
export interface ScriptResult {
  readonly status: number;
  readonly output: string;
}

/**
 * A machine in QEMU, under emulation, which is a diskless node: xcpufs runs there. This machine's loopback network is
 * at 10.0.2.2 for it.
 */
export class Guest {
  readonly host: string;
  /** Where xcpufs is reached. */
  readonly port: number;
  /** Of its kernel, as `uname -r` prints it. */
  readonly release: string;
  /** What it wrote to its serial line until now: the kernel's messages of weight, and the log of xcpufs. */
  console = '';
  readonly ended: Promise<void>;
  readonly #scripts: number;
  readonly #qemu: ChildProcess;
  /** Told of each piece of the console. */
  #news = () => {};

  private constructor(ports: Ports, release: string, command: readonly string[], shell: boolean) {
    this.host = ports.host;
    this.port = ports.xcpufs;
    this.#scripts = ports.scripts;
    this.release = release;
    // However this process ends, its guests end too.
    this.#qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      stdio: shell ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: TOOL_PATH },
    });
    this.ended = new Promise((resolve, reject) => {
      this.#qemu.once('exit', () => resolve());
      this.#qemu.once('error', reject);
    });
    this.ended.catch(() => {});
    for (const stream of [this.#qemu.stdout, this.#qemu.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.console += text;
        this.#news();
      });
    }
  }

  /**
   * Boots one; the caller stops it.
   * @throws Error with what its console shows, if xcpufs does not listen within a minute
   */
  static async start(options: GuestOptions): Promise<Guest> {
    const guest = await Guest.boot(options);
    try {
      await guest.#listening();
      return guest;
    } catch (error) {
      await guest.stop();
      throw error;
    }
  }

  /** The same, without waiting for it to be ready. */
  static async boot(options: GuestOptions): Promise<Guest> {
    const { host = DEFAULT_HOST, memory = 512, shell = false } = options;
    const image = await guestImage();
    const ports = { host, xcpufs: await freePort(host), scripts: await freePort(host) };
    const command = await qemuCommand({
      image,
      memory,
      forwards: [
        [host, ports.xcpufs, XCPUFS_PORT],
        [host, ports.scripts, SCRIPTS_PORT],
      ],
      environment: {
        admin_key: options.adminKey.line,
        xcpufs_options: options.xcpufsOptions ?? '',
        serial_line: shell ? 'shell' : 'log',
      },
      interactive: shell,
    });
    return new Guest(ports, image.kernel.release, command, shell);
  }

  /** As commands take it: `127.0.1.70!40001`. */
  get name(): string {
    return `${this.host}!${this.port}`;
  }

  /**
   * Runs a shell script as root, in `/`.
   * @param timeout in milliseconds; default: a minute
   * @throws Error with the end of the console, if it does not end in that time or the guest is gone
   */
  async run(script: string, timeout = 60_000): Promise<ScriptResult> {
    const socket = connect({ host: this.host, port: this.#scripts, allowHalfOpen: true });
    const late = AbortSignal.timeout(timeout);
    late.addEventListener('abort', () => socket.destroy(new Error(`not within ${timeout} ms`)));
    socket.end(script);
    let text = '';
    try {
      for await (const piece of socket.setEncoding('utf8')) text += piece;
    } catch (error) {
      throw this.#failure(`${(error as Error).message}: ${script}\n${text}`);
    }
    const end = /\n(\d+)$/.exec(text);
    if (!end) throw this.#failure(`no end of: ${script}\n${text}`);
    return { status: Number(end[1]), output: text.slice(0, end.index) };
  }

  /** The same, and answers what the script printed; it must succeed. */
  async shell(script: string, timeout?: number): Promise<string> {
    const { status, output } = await this.run(`set -e\n${script}`, timeout);
    if (status !== 0) throw this.#failure(`status ${status} of: ${script}\n${output}`);
    return output;
  }

  /** What the kernel warned of: a fault of its own, a process that hangs. */
  complaints(): Promise<string> {
    return this.shell(`dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|blocked for more than' || :`);
  }

  /** Switches it off. */
  async stop(): Promise<void> {
    this.#qemu.kill('SIGKILL');
    await this.ended.catch(() => {});
  }

  async #listening(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#news = () => {
        if (/ listening address=/.test(this.console)) resolve();
      };
    });
    const gone = this.ended.then(() => {
      throw this.#failure('QEMU ended');
    });
    const late = new AbortController();
    const timeout = sleep(60_000, undefined, { signal: late.signal }).then(() => {
      throw this.#failure('not ready within a minute');
    });
    timeout.catch(() => {});
    await Promise.race([ready, gone, timeout]).finally(() => late.abort());
  }

  #failure(what: string): Error {
    return new Error(`${what}\nconsole of the guest:\n${this.console.slice(-4000)}`);
  }
}

const DEFAULT_HOST = '127.0.1.70';
const XCPUFS_PORT = 6668;
/** As in `root/usr/sbin/serve-scripts`. */
const SCRIPTS_PORT = 6669;

interface Ports {
  readonly host: string;
  readonly xcpufs: number;
  readonly scripts: number;
}
