import { type ProcessEntry, parseProcessList, XcpuFormatError } from '@xcpu/xcpu-protocol';
import { NodeError } from '../errors.js';
import type { NodeConnection } from './dial.js';
import { requestError } from './errors.js';
import { readFile, textOfLines } from './files.js';

/** A list of a million processes with long command lines stays below; nothing a node sends grows beyond. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;
/** The same in lines: short ones without end would take gigabytes. */
const MAX_LIST_LINES = 1024 * 1024;

/**
 * The processes of a node, as they were when this was asked.
 * @throws NodeError (failed, lost, protocol)
 */
export async function listProcesses(
  connection: NodeConnection,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ProcessEntry[]> {
  const { target } = connection;
  let text: string;
  try {
    const bytes = await readFile(connection, ['procs'], { ...options, limit: MAX_LIST_BYTES });
    text = textOfLines('procs', bytes, MAX_LIST_LINES);
  } catch (error) {
    throw requestError(target, error);
  }
  try {
    return parseProcessList(text);
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    throw new NodeError(target.name, 'protocol', error.message, { cause: error });
  }
}
