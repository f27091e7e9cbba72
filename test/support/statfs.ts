import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseNodeStatuses } from '@xcpu/xcpu-protocol';
import { connect } from './client.js';
import { freePort } from './cluster.js';
import { bundle, cleanEnvironment, endWithTests, runCommand } from './command.js';
import { eventually } from './wait.js';

export interface StatfsOptions {
  /** Where its configuration is kept. */
  readonly directory: string;
  /** Lines of its configuration: `n1=127.0.1.8!40001`. */
  readonly nodes: readonly string[];
  /** The administrator's private key file. */
  readonly adminKey: string;
  readonly host: string;
  /** Seconds between two readings; default 0.3. */
  readonly interval?: number;
  readonly args?: readonly string[];
}

/** A real statfs. */
export class Statfs {
  readonly host: string;
  readonly port: number;
  /** What it logged until now. */
  log = '';
  readonly #config: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | null>;

  private constructor(
    host: string,
    port: number,
    config: string,
    child: ChildProcessWithoutNullStreams,
  ) {
    this.host = host;
    this.port = port;
    this.#config = config;
    this.#child = child;
    endWithTests(child);
    child.stdin.end();
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.#ended = new Promise((resolve) => child.on('exit', resolve));
  }

  /** Starts it; it listens then. */
  static async start(options: StatfsOptions): Promise<Statfs> {
    const { directory, nodes, adminKey, host, interval = 0.3, args = [] } = options;
    const config = join(directory, 'statfs.conf');
    await writeFile(config, `${nodes.join('\n')}\n`);
    const port = await freePort(host);
    const where = ['-c', config, '-p', String(port), '--listen', host, '-A', adminKey];
    const argv = [bundle('statfs'), ...where, '--interval', String(interval), ...args];
    const child = spawn(process.execPath, argv, { env: cleanEnvironment() });
    const statfs = new Statfs(host, port, config, child as ChildProcessWithoutNullStreams);
    await eventually('statfs listens', () => {
      if (child.exitCode !== null) throw new Error(`statfs did not start:\n${statfs.log}`);
      return /\blistening\b/.test(statfs.log);
    });
    return statfs;
  }

  /** As `$XCPU_STATFS` has it. */
  get name(): string {
    return `${this.host}!${this.port}`;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Runs xstat. */
  xstat(...args: string[]) {
    return runCommand('xstat', args, { env: { XCPU_STATFS: this.name } });
  }

  /** What is in `state`, by node. */
  async states(): Promise<Map<string, string>> {
    const { stdout, stderr } = await this.xstat('--raw');
    if (stderr !== '') throw new Error(stderr);
    return new Map(parseNodeStatuses(stdout).map(({ name, state }) => [name, state]));
  }

  /** Waits until these nodes are in these states. */
  async shows(states: Readonly<Record<string, string>>, timeout?: number): Promise<void> {
    let last: Map<string, string> | undefined;
    const all = async () => {
      last = await this.states();
      return Object.entries(states).every(([name, state]) => last?.get(name) === state);
    };
    const wanted = JSON.stringify(states);
    await eventually(`statfs shows ${wanted}`, all, timeout).catch((error: unknown) => {
      throw new Error(`${error}; it shows ${JSON.stringify([...(last ?? [])])}\n${this.log}`);
    });
  }

  /** A conversation with it, not logged in. */
  connect() {
    return connect(this);
  }

  /** Writes another configuration and has it read. */
  async configure(nodes: readonly string[]): Promise<void> {
    await writeFile(this.#config, `${nodes.join('\n')}\n`);
    const before = this.log.length;
    this.#child.kill('SIGHUP');
    await eventually('it has read its configuration', () =>
      /configuration (read|kept)/.test(this.log.slice(before)),
    );
  }

  /** SIGTERM; answers its exit status. */
  async stop(): Promise<number | null> {
    if (this.running) this.#child.kill('SIGTERM');
    return this.#ended;
  }
}
