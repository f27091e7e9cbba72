import { spawn } from 'node:child_process';
import {
  bundle,
  type CommandResult,
  cleanEnvironment,
  endWithTests,
  type RunningCommand as Started,
} from '../support/command.js';

export { type CommandResult, cleanEnvironment };

/** How long output is waited for that somebody holds open whose program has ended, in milliseconds. */
const LEFT_BEHIND_MS = 1000;

/** A program that runs. */
export interface RunningCommand extends Started {
  /** Whether it is no longer running. */
  ended(): boolean;
}

/** Starts a shipped command; it is killed after ten minutes at the latest. */
export function startCommand(name: string, args: readonly string[]): RunningCommand {
  return startProgram(process.execPath, [bundle(name), ...args], 600_000);
}

/** Starts any program, with nothing to read; it is killed after `timeout` milliseconds. */
export function startProgram(
  program: string,
  args: readonly string[],
  timeout = 60_000,
): RunningCommand {
  const child = spawn(program, args, {
    cwd: '/',
    env: cleanEnvironment(),
    timeout,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => {});
  child.stdin.end();
  endWithTests(child);
  const output = { stdout: '', stderr: '' };
  const looks = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      for (const look of looks) look();
    });
  }
  let over = false;
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, ...output }));
    // What a program left behind may hold its output open: its own end is what counts, once the rest was read.
    child.on('exit', (status, signal) => {
      over = true;
      setTimeout(() => resolve({ status, signal, ...output }), LEFT_BEHIND_MS).unref();
    });
  });
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (output.stdout.includes(text) || output.stderr.includes(text)) resolve();
      };
      looks.add(look);
      look();
      result.then(() => reject(new Error(`ended: ${JSON.stringify(output)}`)), reject);
    });
  return { child, result, output, printed, ended: () => over };
}
