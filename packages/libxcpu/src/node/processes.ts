import { type ProcessEntry, parseProcessList } from '@xcpu/xcpu-protocol';
import type { NodeConnection } from './dial.js';
import { readList } from './lists.js';

/** A list of a million processes with long command lines stays below. */
const PROCS = { name: 'procs', maxBytes: 256 * 1024 * 1024, maxLines: 1024 * 1024 };

/**
 * The processes of a node, as they were when this was asked.
 * @throws NodeError (failed, lost, protocol)
 */
export async function listProcesses(
  connection: NodeConnection,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ProcessEntry[]> {
  return readList(connection, PROCS, parseProcessList, options);
}
