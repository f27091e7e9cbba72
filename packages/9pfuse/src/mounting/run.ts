import { spawn } from 'node:child_process';

/** How a program ended. */
export interface Outcome {
  /** 0 if all went well. */
  readonly status: number;
  /** What it said on stderr, without the end of the line. */
  readonly text: string;
}

/**
 * Runs one of the system's programs to its end, out of the way of what is being mounted.
 * @param descriptor what the program inherits as descriptor 3
 */
export function run(
  program: string,
  args: readonly string[],
  descriptor?: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
    });
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    child.on('error', (error) => resolve({ status: 127, text: error.message }));
    // Its end, not that of its output: what holds that open may live as long as the mount does.
    child.on('exit', (status) =>
      setImmediate(() => resolve({ status: status ?? 128, text: text.trim() })),
    );
  });
}
