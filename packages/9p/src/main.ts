import { start } from '@xcpu/libxcpu/cli';
import { exactArguments } from './arguments.js';
import { parseProgram, parseVerb } from './command-line.js';
import { isBrokenPipe, writeText } from './output.js';
import { loadVerb } from './verbs.js';

/** Exit status of a program that was ended by SIGPIPE: what it wrote was no longer wanted. */
const BROKEN_PIPE = 128 + 13;

start('9p', main);

async function main(args: readonly string[]): Promise<number> {
  try {
    const program = await parseProgram(exactArguments(args));
    if ('text' in program) return await help(program.text);
    const verb = await loadVerb(program.verb);
    const line = await parseVerb(program, verb);
    if ('text' in line) return await help(line.text);
    return await verb.run(line);
  } catch (error) {
    if (isBrokenPipe(error)) return BROKEN_PIPE;
    throw error;
  }
}

async function help(text: string): Promise<number> {
  await writeText(text);
  return 0;
}
