import { NinePError } from '@xcpu/9p-protocol';
import { printable, UsageError } from '@xcpu/libxcpu';
import { printError } from '@xcpu/libxcpu/cli';
import { connectServer, type ServerFiles } from '@xcpu/libxcpu/files';
import type { VerbLine } from './verb.js';

/** The server and the paths that a command line names. */
export interface PlaceOperands {
  readonly address: string;
  readonly paths: readonly string[];
}

/**
 * The address of `-a`, else the first operand, and the operands that follow.
 * @param wanted the number of paths that there are to be, at least and at most, and what they are called
 * @throws UsageError
 */
export function takeAddress(
  { address: given, operands }: VerbLine,
  wanted: { readonly least: number; readonly most?: number; readonly names: string },
): PlaceOperands {
  const [address = '', ...paths] = given === undefined ? operands : [given, ...operands];
  const { least, most = Infinity, names } = wanted;
  const form = `${given === undefined ? 'ADDRESS ' : ''}${names}`;
  if (address === '') throw new UsageError(`an address is missing; wanted: ${form}`);
  if (paths.length < least) throw new UsageError(`a path is missing; wanted: ${form}`);
  if (paths.length > most) throw new UsageError(`too many operands; wanted: ${form}`);
  return { address, paths };
}

/**
 * Connects, does something there, and leaves.
 * @throws Error beginning with the server's name for what failed there; what else `use` throws, as it is
 */
export async function at<T>(
  address: string,
  { connection }: VerbLine,
  use: (place: ServerFiles) => Promise<T>,
): Promise<T> {
  const place = await connectServer(address, connection);
  try {
    return await use(place);
  } catch (error) {
    throw error instanceof NinePError ? new Error(describe(place, error)) : error;
  } finally {
    await leave(place);
  }
}

/** How long a server may take to say good-bye, in milliseconds. */
const LEAVE_MS = 1000;

/** A process that ends before the last answers came looks to the server like one that was lost. */
async function leave({ files }: ServerFiles): Promise<void> {
  const left = files.root.clunk().catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LEAVE_MS);
  });
  await Promise.race([left, late]);
  clearTimeout(timer);
  files.close();
}

/**
 * Does something to each of several files; what fails for one is printed, and does not keep it from the others.
 * @returns the exit status
 */
export async function onEach<T>(
  place: ServerFiles,
  items: readonly T[],
  act: (item: T) => Promise<void>,
): Promise<number> {
  let status = 0;
  for (const item of items) {
    try {
      await act(item);
    } catch (error) {
      if (!isFileError(error)) throw error;
      complain(describe(place, error));
      status = 1;
    }
  }
  return status;
}

/** One line on stderr that begins with the command's name. */
export function complain(text: string): void {
  printError(`9p: ${printable(text)}\n`);
}

/** What failed for one file of this machine; the message names it. */
export class LocalError extends Error {}

function isFileError(error: unknown): error is Error {
  return error instanceof LocalError || (error instanceof NinePError && error.kind === 'file');
}

/** An error with the server's name in front, unless it is one of this machine's own. */
function describe({ name }: ServerFiles, error: Error): string {
  const { message, cause } = error;
  const local = isFileError(error) && cause instanceof Error && 'syscall' in cause;
  return printable(local || error instanceof LocalError ? message : `${name}: ${message}`);
}
