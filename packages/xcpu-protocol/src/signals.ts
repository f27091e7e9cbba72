import { parseDecimal } from './decimal.js';
import { XcpuFormatError } from './errors.js';

/** Names of the Linux signals 1 to 31, in order (signal(7), x86 and ARM numbering). */
const NAMES = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP ' +
  'TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
).split(' ');

const ALIASES: ReadonlyMap<string, number> = new Map([
  ['IOT', 6],
  ['CLD', 17],
  ['POLL', 29],
  ['UNUSED', 31],
]);

/** First and last real-time signal that programs can use; 32 and 33 belong to the C library. */
const RTMIN = 34;
const RTMAX = 64;

const MAX_PROCESS_ID = 0x7fffffff;

/**
 * A signal by its Linux number (`15`), its name with or without `SIG` in either case (`SIGTERM`,
 * `term`), or as a real-time signal (`SIGRTMIN+2`, `RTMAX-1`). These are the numbers of Linux, whatever
 * system the caller runs on, because they are sent to nodes.
 *
 * @throws XcpuFormatError "unsupported signal"; 0 is not a signal
 */
export function parseSignal(text: string): number {
  const number = parseDecimal(text, RTMAX) ?? signalByName(text.toUpperCase().replace(/^SIG/, ''));
  if (number === undefined || number < 1) {
    throw new XcpuFormatError('unsupported signal');
  }
  return number;
}

/**
 * The number of one process. 0 and negative numbers would reach whole process groups.
 *
 * @throws XcpuFormatError "invalid pid"
 */
export function parseProcessId(text: string): number {
  const pid = parseDecimal(text, MAX_PROCESS_ID);
  if (pid === undefined || pid === 0) {
    throw new XcpuFormatError('invalid pid');
  }
  return pid;
}

/** `SIGTERM` for 15, `SIGRTMIN+n` for real-time signals, the number itself where there is no name. */
export function signalName(number: number): string {
  const name = NAMES[number - 1];
  if (name !== undefined) {
    return `SIG${name}`;
  }
  if (number < RTMIN || number > RTMAX) {
    return String(number);
  }
  return number === RTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - RTMIN}`;
}

function signalByName(name: string): number | undefined {
  const index = NAMES.indexOf(name);
  return index === -1 ? (ALIASES.get(name) ?? realTimeSignal(name)) : index + 1;
}

function realTimeSignal(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (!match) {
    return undefined;
  }
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1);
  const number = (match[1] === 'MIN' ? RTMIN : RTMAX) + offset;
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}
