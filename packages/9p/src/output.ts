import { nameToBytes } from '@xcpu/9p-protocol';
import { systemText } from '@xcpu/libxcpu';
import { FdWriter } from '@xcpu/libxcpu/cli';

const writer = new FdWriter();

/**
 * Writes bytes to stdout; resolves when it has taken them.
 * @throws the system's error where nobody reads any more (see {@link isBrokenPipe}), else an Error that says why
 */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  try {
    await writer.write(1, [bytes]);
  } catch (error) {
    if (isBrokenPipe(error)) throw error;
    throw new Error(`cannot write the output: ${systemText(error)}`);
  }
}

/** The same for text; names in it that are not UTF-8 come out as the bytes that they are. */
export function writeText(text: string): Promise<void> {
  return writeBytes(nameToBytes(text));
}

/** Whether the reader of the output has left. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE' && 'syscall' in error;
}
