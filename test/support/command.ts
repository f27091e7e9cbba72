import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a command ended and what it printed. */
export interface CommandResult {
  /** Exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Given whole to standard input, which then ends. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Added to an environment without `NODES` and `XCPU_…`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Kills the command after this many milliseconds; default 30 s. */
  readonly timeout?: number;
  /** A command that becomes this one, such as `nsenter …`: the command line is appended. */
  readonly wrap?: readonly string[];
}

/** The bundle that `npm run build` makes of a command: what is shipped is what is tested. */
export function bundle(name: string): string {
  return fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));
}

/** Runs a shipped command to its end. */
export async function runCommand(
  name: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const command = startCommand(name, args, options);
  command.child.stdin.end(options.input ?? '');
  return command.result;
}

/** A command that runs: signal it, feed it, or await its result. */
export interface RunningCommand {
  readonly child: ChildProcessWithoutNullStreams;
  readonly result: Promise<CommandResult>;
  /** What it printed until now. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves once stdout or stderr holds the text; rejects if the command ends before. */
  printed(text: string): Promise<void>;
}

/** Starts a shipped command and leaves its standard input open. */
export function startCommand(
  name: string,
  args: readonly string[],
  options: CommandOptions = {},
): RunningCommand {
  const { env, cwd, uid, gid, timeout = 30_000, wrap = [] } = options;
  const [file, ...argv] = [...wrap, process.execPath, bundle(name), ...args] as [
    string,
    ...string[],
  ];
  const child = spawn(file, argv, {
    env: { ...cleanEnvironment(), ...env },
    timeout,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  // A command may end without reading its input.
  child.stdin.on('error', () => {});
  endWithTests(child);
  const output = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      for (const look of waiting) look();
    });
  }
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, ...output }));
  });
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!output.stdout.includes(text) && !output.stderr.includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      result.then(() => {
        const shown = JSON.stringify(output);
        reject(new Error(`${name} ended without printing ${JSON.stringify(text)}: ${shown}`));
      }, reject);
    });
  return { child, result, output, printed };
}

const alive = new Set<ChildProcessWithoutNullStreams>();

/** Kills the process, if it still runs, when the tests' own process ends however that comes about. */
export function endWithTests(child: ChildProcessWithoutNullStreams): void {
  if (alive.size === 0 && !process.listeners('exit').includes(killAll)) {
    process.on('exit', killAll);
  }
  alive.add(child);
  child.once('exit', () => alive.delete(child));
}

function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

/** The tests' environment without what would change the commands' behaviour. */
export function cleanEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined &&
      name !== 'NODES' &&
      !name.startsWith('XCPU_') &&
      !name.startsWith('NODE_') &&
      !name.startsWith('VITEST'),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}
