import { decodeDirents } from '../codec/dirent.js';
import { decodeStats } from '../codec/stat.js';
import { MessageType } from '../constants.js';
import type { Qid, Uint64 } from '../types.js';
import { expect } from './expect.js';
import type { Subject } from './subject.js';

/** Entries that nobody has: a server that never ends is not waited for. */
const MOST = 10_000;

/** One name in a directory, in every dialect. */
export interface Entry {
  readonly name: string;
  readonly qid: Qid;
}

/** What one Treaddir or Tread yields. */
export interface Part {
  readonly entries: readonly Entry[];
  /** Where the next one goes on. */
  readonly next: Uint64;
  /** Bytes. */
  readonly length: number;
}

/** One request's worth of a directory that is open: whole entries, `.` and `..` included where they come. */
export async function readPart(
  s: Subject,
  fid: number,
  offset: Uint64,
  count: number,
): Promise<Part> {
  if (s.linux) {
    const { data } = await s.call({ type: MessageType.Treaddir, fid, offset, count });
    const entries = decodeDirents(data, { strings: 'bytes' });
    return { entries, next: entries.at(-1)?.offset ?? offset, length: data.length };
  }
  const data = await s.read(fid, offset, count);
  const entries = decodeStats(data, s.dialect, { strings: 'bytes' });
  return { entries, next: Number(offset) + data.length, length: data.length };
}

/** The entries of an open directory from an offset on, `.` and `..` apart. */
export async function readRest(
  s: Subject,
  fid: number,
  offset: Uint64 = 0,
  count = 4096,
): Promise<Entry[]> {
  const all: Entry[] = [];
  for (;;) {
    const { entries, next } = await readPart(s, fid, offset, count);
    if (entries.length === 0) return all;
    all.push(...entries.filter(({ name }) => name !== '.' && name !== '..'));
    expect(all.length < MOST, 'the directory never ends');
    offset = next;
  }
}

/** The names in a directory, sorted. */
export async function namesIn(
  s: Subject,
  names: string | readonly string[] = [],
): Promise<string[]> {
  const fid = await s.open(names);
  const entries = await readRest(s, fid);
  await s.clunk(fid);
  return entries.map(({ name }) => name).sort();
}
