import { brotliDecompressSync } from 'node:zlib';
import { printOut } from '@xcpu/libxcpu/cli';

/** The shells that there are completions for. */
export type Shell = 'bash' | 'zsh' | 'fish';

/** The scripts by shell: JSON, packed by brotli, in base64. The bundler fills it in, out of what the commands say. */
declare const XCPU_COMPLETIONS: string | undefined;

/**
 * Prints the script that completes all commands of xcpu in a shell.
 * @returns 0, the exit status
 */
export async function printCompletion(shell: Shell): Promise<number> {
  if (typeof XCPU_COMPLETIONS !== 'string') throw new Error('unbundled: there are no completions');
  const scripts = brotliDecompressSync(Buffer.from(XCPU_COMPLETIONS, 'base64'));
  await printOut((JSON.parse(scripts.toString()) as Record<Shell, string>)[shell]);
  return 0;
}
