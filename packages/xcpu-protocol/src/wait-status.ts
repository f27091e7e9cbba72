import { parseDecimal } from './decimal.js';
import { show, XcpuFormatError } from './errors.js';

/** How a program ended. */
export type WaitStatus =
  /** It exited by itself, with this status, 0 to 255. */
  | { readonly exitCode: number }
  /** It was ended by this signal, 1 to 126, leaving a core dump or not. */
  | { readonly signal: number; readonly core?: boolean };

const CORE_FLAG = 0x80;
const SIGNAL_MASK = 0x7f;

/**
 * A session's `wait` file: the status as waitpid(2) packs it, in decimal (exit status 3 is `768`,
 * SIGKILL is `9`).
 *
 * @throws XcpuFormatError also for the status of a program that is only stopped
 */
export function parseWaitStatus(text: string): WaitStatus {
  const packed = parseDecimal(text.trim(), 0xffff);
  if (packed === undefined) {
    throw new XcpuFormatError(`invalid wait status ${show(text)}: expected a number below 65536`);
  }
  const signal = packed & SIGNAL_MASK;
  if (signal === 0 && (packed & CORE_FLAG) === 0) {
    return { exitCode: packed >> 8 };
  }
  if (signal === 0 || signal === SIGNAL_MASK || packed > 0xff) {
    throw new XcpuFormatError(`invalid wait status ${show(text)}: not that of an ended program`);
  }
  return packed & CORE_FLAG ? { signal, core: true } : { signal };
}

/**
 * The text of a session's `wait` file for a program that ended so.
 *
 * @throws XcpuFormatError when the exit code or the signal is out of range
 */
export function formatWaitStatus(status: WaitStatus): string {
  if ('exitCode' in status) {
    return String(within(status.exitCode, 0, 255) << 8);
  }
  return String(within(status.signal, 1, SIGNAL_MASK - 1) | (status.core ? CORE_FLAG : 0));
}

/** The status a shell would report: the program's own, or 128 + N when signal N ended it. */
export function exitStatusOf(status: WaitStatus): number {
  return 'exitCode' in status ? status.exitCode : 128 + status.signal;
}

function within(value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new XcpuFormatError(`invalid wait status: ${value} is not within ${low} to ${high}`);
  }
  return value;
}
