import { type ChildProcess, fork } from 'node:child_process';

/** A process of a benchmark that plays a role of its own. */
export interface Player {
  readonly process: ChildProcess;
  /** What it said when it was ready. */
  readonly told: unknown;
}

/** Starts the benchmark's own file with other words, and waits until that process says that it is ready. */
export async function start(file: string, words: readonly string[]): Promise<Player> {
  const child = fork(file, words);
  return { process: child, told: await answerOf(child) };
}

/** Gives a process a task, and answers what it measured. */
export async function ask<Task extends object | number>(
  client: ChildProcess,
  task: Task,
): Promise<number> {
  client.send(task);
  return Number(await answerOf(client));
}

/** To the process that started this one. */
export function tell(message: number | string): void {
  process.send?.(message);
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('a process of the benchmark ended'));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message);
    });
  });
}
