import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatProcessLine, PROCESS_LIST_HEADER, type ProcessEntry } from '@xcpu/xcpu-protocol';
import { readProcessMemory } from './process-memory.js';
import { processIds } from './program/strays.js';

/** Processes read before other work gets its turn: about a millisecond's worth. */
const SLICE = 16;
/**
 * Bytes of a command line that are read: no line of the list is as long. A process may have megabytes of arguments, or
 * make the kernel show any part of its memory as such: prctl(2), PR_SET_MM.
 */
const MAX_COMMAND = 16 * 1024;
/** Clock ticks per second that the kernel shows to programs, on every Linux: proc(5), sysconf(3) _SC_CLK_TCK. */
const TICKS = 100;
/** Bytes of a page, by what the kernel says of this very process. */
const PAGE = pageSize();

/** A session and its program, for marking what runs below it. */
export interface RunningSession {
  readonly pid: number;
  readonly sid: number;
  readonly jobAndRank: string;
}

/**
 * Lists that are asked for while one is made share the next one: each is of a moment after it was asked for, and
 * thousands of askers cost no more than two.
 */
export function sharedLists<T>(make: () => Promise<T>): () => Promise<T> {
  let making: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= making.then(() => {
      const list = make();
      making = list.catch(() => {});
      next = undefined;
      return list;
    });
    return next;
  };
}

/** The text of `procs`: all processes of the node as they are now, read in slices. Wire document, section 7. */
export async function processList(sessions: Iterable<RunningSession>): Promise<string> {
  const entries = new Map<number, ProcessEntry>();
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  for (const [index, pid] of processIds().entries()) {
    if (index % SLICE === SLICE - 1) await nextTurn();
    const entry = await readProcess(pid, uptime);
    if (entry) entries.set(pid, entry);
  }
  const byPid = new Map<number, RunningSession>();
  for (const session of sessions) if (session.pid > 0) byPid.set(session.pid, session);
  const lines: string[] = [PROCESS_LIST_HEADER];
  let written = 0;
  for (const entry of entries.values()) {
    if (++written % (SLICE * 4) === 0) await nextTurn();
    const session = sessionOf(entry, entries, byPid);
    const { sid = '', jobAndRank = '' } = session ?? {};
    lines.push(formatProcessLine({ ...entry, xcpusid: String(sid), xcpujid: jobAndRank }));
  }
  return lines.join('');
}

/** A process belongs to the session whose program leads its kernel session, or is among its ancestors. */
function sessionOf(
  entry: ProcessEntry,
  entries: ReadonlyMap<number, ProcessEntry>,
  byPid: ReadonlyMap<number, RunningSession>,
): RunningSession | undefined {
  if (byPid.size === 0) return undefined;
  const led = byPid.get(entry.psid);
  if (led) return led;
  const seen = new Set<number>();
  for (
    let at: ProcessEntry | undefined = entry;
    at && !seen.has(at.pid);
    at = entries.get(at.ppid)
  ) {
    seen.add(at.pid);
    const session = byPid.get(at.pid);
    if (session) return session;
  }
  return undefined;
}

/** What /proc tells of a process, undefined if it is gone: proc(5). */
async function readProcess(pid: number, uptime: number): Promise<ProcessEntry | undefined> {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const memory = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number);
    const command = await readCommand(pid);
    return describe(pid, stat, status, memory, command, uptime);
  } catch {
    return undefined;
  }
}

/** Empty where the process has none, or does not show it. */
async function readCommand(pid: number): Promise<string> {
  const command = await readProcessMemory(pid, 'cmdline', MAX_COMMAND);
  return command?.toString('utf8').replace(/\0$/, '') ?? '';
}

function describe(
  pid: number,
  stat: string,
  status: string,
  memory: readonly number[],
  command: string,
  uptime: number,
): ProcessEntry {
  // The name may hold blanks and parentheses; the last parenthesis ends it.
  const close = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, close);
  const f = stat.slice(close + 2).split(' ');
  const number = (field: number) => Number(f[field - 3]);
  const [, euid = 0, suid = 0, fsuid = 0] = ids(status, 'Uid');
  const [, egid = 0, sgid = 0, fsgid = 0] = ids(status, 'Gid');
  const [vm = 0, rss = 0, shared = 0, text = 0, , data = 0] = memory;
  return {
    pid,
    cmdline: command === '' ? [name] : command.split('\0'),
    state: stateOf(f[0] ?? ''),
    ppid: number(4),
    pgrp: number(5),
    psid: number(6),
    tty: ttyName(number(7)),
    tpgid: number(8),
    utime: (number(14) * 1000) / TICKS,
    stime: (number(15) * 1000) / TICKS,
    etime: Math.max(0, Math.round((uptime - number(22) / TICKS) * 1000)),
    priority: number(18),
    nice: number(19),
    wchan: waitChannel(pid),
    euid,
    suid,
    fsuid,
    egid,
    sgid,
    fsgid,
    vmsize: vm * PAGE,
    rssize: rss * PAGE,
    shsize: shared * PAGE,
    txtsize: text * PAGE,
    datsize: data * PAGE,
    xcpusid: '',
    xcpujid: '',
  };
}

/** The letters that C clients know: the idle kernel thread sleeps, the traced process is stopped. */
function stateOf(letter: string): string {
  if (letter === 'I') return 'S';
  if (letter === 't') return 'T';
  if (letter === 'X' || letter === 'x') return 'Z';
  return 'RSDTZW'.includes(letter) && letter ? letter : 'S';
}

function ids(status: string, field: string): number[] {
  const line = new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  return line.split(/\s+/).map(Number);
}

/** Device numbers of terminals: Documentation/admin-guide/devices.txt. */
function ttyName(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${minor + (major - 136) * 256}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return '??';
}

function waitChannel(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/wchan`, 'latin1') || '0';
  } catch {
    return '0';
  }
}

/** smaps and status count in kB, statm in pages: the same number twice tells a page's size. */
function pageSize(): number {
  try {
    const kilobytes = Number(
      /^VmSize:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1],
    );
    const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]);
    const size = (kilobytes * 1024) / pages;
    for (const known of [4096, 16_384, 65_536]) if (Math.abs(size / known - 1) < 0.2) return known;
  } catch {
    // As on most machines.
  }
  return 4096;
}
