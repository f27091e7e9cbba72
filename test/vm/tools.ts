import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Where Debian has the tools of administrators: ordinary users lack it in their PATH. */
export const TOOL_PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/**
 * Runs a program of this machine to its end, and answers what it printed.
 * @throws Error with what it printed as an error, if it fails
 */
export async function runTool(
  name: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', PATH: TOOL_PATH };
  const { stdout } = await promisify(execFile)(name, args, {
    ...options,
    env,
    maxBuffer: 2 ** 24,
  });
  return stdout;
}
