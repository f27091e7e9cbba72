import { XcpuFormatError } from '@xcpu/xcpu-protocol';
import { NodeError } from '../errors.js';
import type { NodeConnection } from './dial.js';
import { requestError } from './errors.js';
import { readFile, textOfLines } from './files.js';

/** A file of a node that lists something, and how much of it is read. */
export interface ListFile {
  readonly name: string;
  /** Nothing a node sends grows beyond. */
  readonly maxBytes: number;
  /** The same in lines: short ones without end would take gigabytes. */
  readonly maxLines: number;
}

/**
 * Reads a file in a node's root that lists something.
 * @param parse throws XcpuFormatError for what makes no sense
 * @throws NodeError (failed, lost, protocol)
 */
export async function readList<T>(
  connection: NodeConnection,
  { name, maxBytes, maxLines }: ListFile,
  parse: (text: string) => T,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const { target } = connection;
  try {
    const bytes = await readFile(connection, [name], { ...options, limit: maxBytes });
    return parse(textOfLines(name, bytes, maxLines));
  } catch (error) {
    if (error instanceof XcpuFormatError)
      throw new NodeError(target.name, 'protocol', error.message, { cause: error });
    throw requestError(target, error);
  }
}
