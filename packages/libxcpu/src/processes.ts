import { type ProcessEntry, parseProcessList, XcpuFormatError } from '@xcpu/xcpu-protocol';
import type { NodeConnection } from './dial.js';
import { NodeError } from './errors.js';
import { requestError } from './node-errors.js';
import { readFile } from './node-files.js';

/** A list of a million processes with long command lines stays below; nothing a node sends grows beyond. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;

/**
 * The processes of a node, as they were when this was asked.
 * @throws NodeError (failed, lost, protocol)
 */
export async function listProcesses(
  connection: NodeConnection,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ProcessEntry[]> {
  const { target } = connection;
  let text: Buffer;
  try {
    text = await readFile(connection, ['procs'], { ...options, limit: MAX_LIST_BYTES });
  } catch (error) {
    throw requestError(target, error);
  }
  try {
    return parseProcessList(text.toString('utf8'));
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    throw new NodeError(target.name, 'protocol', error.message, { cause: error });
  }
}
