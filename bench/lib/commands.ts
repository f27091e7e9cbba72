import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { warmUpsFor } from './rounds.js';

/** A command line to be measured. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command with nothing to read and its output thrown away.
 *
 * @returns milliseconds from just before its start until its end
 * @throws Error when its status is not 0 or it wrote to stderr: what failed is not worth measuring
 */
export async function timeCommand(command: Command): Promise<number> {
  return (await run(command, 'ignore')).elapsed;
}

/**
 * What a command writes to its stdout.
 *
 * @throws Error as {@link timeCommand}
 */
export async function outputOf(command: Command): Promise<string> {
  return (await run(command, 'pipe')).output;
}

async function run({ program, args, cwd, env = process.env }: Command, stdout: 'ignore' | 'pipe') {
  // Where it is set, Node.js 20 spends two thirds of its start on reading certificates, which nothing here uses.
  const { NODE_EXTRA_CA_CERTS: _, ...plain } = env;
  const start = performance.now();
  const child = spawn(program, args, { env: plain, stdio: ['ignore', stdout, 'pipe'], cwd });
  const [elapsed, status, output, said] = await Promise.all([
    once(child, 'exit').then(() => performance.now() - start),
    once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals),
    child.stdout ? text(child.stdout) : '',
    text(child.stderr!).then((words) => words.trim()),
  ]);
  if (status !== 0 || said !== '') {
    throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${said}`);
  }
  return { elapsed, output };
}

/** Between two runs, in milliseconds: sshd goes on cleaning up after its client has ended, and so do daemons. */
const SETTLE_MS = 500;

/**
 * Times commands in turn, so that whatever else the machine does meets all of them alike, but not what the one before
 * left to be done.
 *
 * @param warmUps rounds that are thrown away first
 * @returns the milliseconds of each command, in its order
 */
export function timeInTurn(
  commands: readonly Command[],
  rounds: number,
  warmUps = warmUpsFor(2),
): Promise<readonly number[][]> {
  return inTurn(
    commands.map((command) => () => timeCommand(command)),
    rounds,
    warmUps,
  );
}

/**
 * Does pieces of work in turn, for the same reason: every other round from the last to the first. What one leaves behind
 * meets the next, if only the memory that it used: where the machine's pages are paged out when they were not used for a
 * while, who gets pages that were just used keeps them for longer.
 *
 * @param warmUps rounds that are thrown away first
 * @returns what each piece of work answered, in its order
 */
export async function inTurn<Result>(
  works: readonly (() => Promise<Result>)[],
  rounds: number,
  warmUps = warmUpsFor(2),
): Promise<readonly Result[][]> {
  const results: Result[][] = works.map(() => []);
  for (let round = -warmUps; round < rounds; round++) {
    const order = works.map((work, index) => ({ work, index }));
    if (round % 2 !== 0) order.reverse();
    for (const { work, index } of order) {
      await sleep(SETTLE_MS);
      const result = await againIfFailed(work);
      if (round >= 0) {
        results[index]?.push(result);
      }
    }
  }
  return results;
}

/** One run in a thousand fails for want of something that the machine lacks for a moment: it is told, and not counted. */
async function againIfFailed<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    console.log(`once more: ${(error as Error).message}`);
    await sleep(SETTLE_MS);
    return work();
  }
}

/** Whether a program of that name is in PATH. */
export function isInstalled(program: string): boolean {
  return (
    spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' }).status === 0
  );
}
