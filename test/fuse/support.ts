import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRoot, lacks } from '../support/needs.js';
import { processesWith } from '../support/processes.js';
import { eventually } from '../support/wait.js';
import {
  type CommandResult,
  cleanEnvironment,
  type RunningCommand,
  startCommand,
  startProgram,
} from './processes.js';

/** Whether FUSE cannot be used here, which is then said. */
export function lacksFuse(): boolean {
  return lacks('root and /dev/fuse', isRoot && isUsable('/dev/fuse'));
}

/** Whether a program is not here, which is then said. */
export function lacksProgram(name: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
  return lacks(name, found);
}

/**
 * A directory that is served by `9p serve`, and mounted elsewhere by `9pfuse`, each in a process of its own. The test's
 * own process must not touch the mount: it does what it does there by programs that are killed if they hang.
 */
export class FuseSite {
  readonly directory: string;
  /** Served. */
  readonly served: string;
  /** Where it is mounted. */
  readonly mounted: string;
  readonly socket: string;
  server!: RunningCommand;
  readonly #running: RunningCommand[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.served = join(directory, 'served');
    this.mounted = join(directory, 'mounted');
    this.socket = join(directory, 'socket');
  }

  /** @param options more of `9pfuse`'s; null mounts nothing */
  static async start(options: readonly string[] | null = []): Promise<FuseSite> {
    const site = new FuseSite(await mkdtemp(join(tmpdir(), 'xcpu-fuse-')));
    await mkdir(site.served);
    await mkdir(site.mounted);
    site.server = site.#keep(startCommand('9p', ['serve', site.served, '--listen', site.socket]));
    await site.server.printed('listening');
    if (options) await site.mount(site.mounted, options);
    return site;
  }

  /** Mounts in the foreground, so that the process is known. */
  async mount(
    at = this.mounted,
    options: readonly string[] = [],
    address = this.socket,
  ): Promise<RunningCommand> {
    const command = this.#keep(startCommand('9pfuse', ['-f', ...options, address, at]));
    // The last thing that it does before it is all there.
    await eventually(`a mount on ${at}`, async () => {
      if (command.ended()) throw new Error((await command.result).stderr);
      return processesWith(`9pfuse-guardian\0${at}\0`).length > 0;
    });
    return command;
  }

  /** Runs a program in the mounted directory. */
  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return this.start(program, args, options).result;
  }

  /** Runs a shell script there, and answers what it printed; it must succeed. */
  async shell(script: string, options: RunOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run('sh', ['-ec', script], options);
    if (status !== 0) throw new Error(`status ${status}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a program there. */
  start(program: string, args: readonly string[], options: RunOptions = {}): RunningCommand {
    // Only the shell goes there: starting a program in a directory waits for it.
    const into = ['-c', 'cd "$1" && shift && exec "$@"', 'sh', options.at ?? this.mounted];
    return this.#keep(startProgram('sh', [...into, program, ...args], options.timeout));
  }

  /** Ends all of it, and sees to it that nothing is left. */
  async stop(): Promise<void> {
    for (const path of await mountsBelow(this.directory)) {
      spawnSync('umount', ['-i', '-c', '-f', '-l', path], { timeout: 10_000 });
    }
    for (const { child } of this.#running) child.kill('SIGKILL');
    await Promise.allSettled(this.#running.map(({ result }) => result));
    await rm(this.directory, { recursive: true, force: true });
  }

  #keep(command: RunningCommand): RunningCommand {
    this.#running.push(command);
    return command;
  }
}

export interface RunOptions {
  /** Where, if not in the mount. */
  readonly at?: string;
  /** Kills the program after this many milliseconds; default 60 s. */
  readonly timeout?: number;
}

/** Without touching it: whether a FUSE file system is mounted on that path. */
export async function isMounted(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').some((line) => line.split(' ')[4] === path && / - fuse/.test(line));
}

async function mountsBelow(directory: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(directory));
}

/** Compiles a C program of these tests. */
export function compile(name: string, directory: string): string {
  const source = fileURLToPath(new URL(`./programs/${name}.c`, import.meta.url));
  const binary = join(directory, name);
  execFileSync('gcc', ['-O1', '-o', binary, source], { env: cleanEnvironment() });
  return binary;
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
