import { getSystemErrorMap } from 'node:util';

/**
 * Why a node did not do what it was asked:
 * - `unreachable`: no connection (name unknown, refused, no route);
 * - `timeout`: no answer in time;
 * - `refused`: the node does not let the user in;
 * - `lost`: the connection ended before the work did;
 * - `protocol`: the peer does not speak the protocol;
 * - `failed`: the node said no to a request, and the connection goes on;
 * - `missing`: the node has nothing of the job that was asked for;
 * - `expired`: its program was still running when the time given to the run was over;
 * - `cancelled`: the caller ended the run.
 */
export type NodeErrorKind =
  | 'unreachable'
  | 'timeout'
  | 'refused'
  | 'lost'
  | 'protocol'
  | 'failed'
  | 'missing'
  | 'expired'
  | 'cancelled';

/** What went wrong on one node; the message begins with its name: `n9: connection refused (…)`. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  /** The node's name, as the user gave it. */
  readonly node: string;
  readonly kind: NodeErrorKind;
  /** The message without the node's name: reason and, where there is one, the way out. */
  readonly reason: string;

  constructor(node: string, kind: NodeErrorKind, reason: string, options?: ErrorOptions) {
    super(`${node}: ${reason}`, options);
    this.node = node;
    this.kind = kind;
    this.reason = reason;
  }
}

/** The user asked for something that makes no sense; commands print it and exit with status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A file or setting on this machine that a command needs is not usable; the message names it and the way out. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** A program of this machine that was to be sent to nodes cannot be: commands exit as if they had run it. */
export class ProgramError extends SetupError {
  /** 127 where there is none, 126 where it may not be run. */
  readonly exitStatus: number;

  constructor(message: string, exitStatus: number) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** The text of any thrown value, on its own. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a system error says, in words and without the path: `no such file or directory`. */
export function systemText(error: unknown): string {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
  return getSystemErrorMap().get(errno)?.[1] ?? errorText(error);
}
