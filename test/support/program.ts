import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A script that runs in a process of its own, and what it prints, errors included. */
export class Program {
  output = '';
  readonly #child: ChildProcess;
  #waiting: (() => void) | undefined;
  #ended = false;

  constructor(script: string, args: readonly string[], cwd?: string) {
    this.#child = spawn(process.execPath, [script, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    });
    const take = (chunk: Buffer) => {
      this.output += chunk;
      this.#waiting?.();
    };
    this.#child.stdout!.on('data', take);
    this.#child.stderr!.on('data', take);
    this.#child.on('close', (code, signal) => {
      if (code !== 0) this.output += `ended with ${signal ?? code}\n`;
      this.#ended = true;
      this.#waiting?.();
    });
  }

  /** Waits until it has printed that, or ended without. */
  async prints(wanted: RegExp | string): Promise<string> {
    while (!this.#ended && !this.#has(wanted)) await this.#news();
    if (this.#has(wanted)) return this.output;
    throw new Error(`${wanted} is not in ${JSON.stringify(this.output)}`);
  }

  /** Waits until it ends by itself, and answers all that it printed. */
  async ends(): Promise<string> {
    while (!this.#ended) await this.#news();
    return this.output;
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }

  #has(wanted: RegExp | string): boolean {
    return typeof wanted === 'string' ? this.output.includes(wanted) : wanted.test(this.output);
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
