import { brotliCompressSync } from 'node:zlib';
import { describeCommands } from '../describe/commands.mjs';
import { completionScripts } from './scripts.mjs';

/**
 * The completions of all commands as xrx carries them: packed, since they are read once and would be in the way at
 * every start. See packages/xrx/src/completion.ts.
 *
 * @param {readonly string[]} names of the commands
 * @returns {Promise<string>}
 */
export async function packedCompletions(names) {
  const scripts = completionScripts(await describeCommands(names));
  return brotliCompressSync(JSON.stringify(scripts)).toString('base64');
}
