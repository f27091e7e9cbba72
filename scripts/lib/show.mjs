import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { styleText } from './style.mjs';

/** Prints what comes next, set off from what came before. */
export function heading(text) {
  console.log(`\n${styleText('dim', `# ${text}`)}`);
}

/** Prints a command as the user would type it. */
export function showCommand(line) {
  console.log(`${styleText('cyan', '$')} ${styleText('bold', line)}`);
}

/**
 * Words as a shell line that means exactly these words.
 *
 * @param {readonly string[]} words
 */
export function shellLine(words) {
  return words.map(quote).join(' ');
}

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal ends the command
 */

/**
 * Prints a command as the user would type it and runs it; its output goes where ours goes.
 *
 * @param {readonly string[]} words
 * @param {RunOptions} options
 * @throws {Error} when it ends with another status than 0
 */
export async function run(words, options) {
  await runShown(shellLine(words), words, options);
}

/**
 * The same for a line of shell, such as a pipe.
 *
 * @param {string} line
 * @param {RunOptions} options
 * @throws {Error} when it ends with another status than 0
 */
export async function runLine(line, options) {
  await runShown(line, ['/bin/sh', '-c', line], options);
}

async function runShown(line, [command, ...args], options) {
  showCommand(line);
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status, by] = await once(child, 'exit');
  if (status !== 0) {
    throw new Error(`${line} ended with ${by ?? `status ${status}`}`);
  }
}

/**
 * Prints a command as the user would type it, with & at the end, and leaves it running.
 *
 * @param {readonly string[]} words
 * @param {RunOptions} options
 * @returns {{ end: () => Promise<void> }} `end` prints and does what the user would do to end it
 */
export function runInBackground(words, options) {
  showCommand(`${shellLine(words)} &`);
  const [command, ...args] = words;
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
  const exit = once(child, 'exit');
  // Seen by whoever ends it; until then, and when `signal` ends it, nobody waits.
  exit.catch(() => {});
  return {
    end: async () => {
      showCommand('kill %1');
      child.kill('SIGTERM');
      await exit;
    },
  };
}

function quote(word) {
  return /^[\w@%+=:,./!-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
