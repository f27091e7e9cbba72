import { MessageType, NOFID, NONUNAME, type Qid, type Stat, type Uint64 } from '@xcpu/9p-protocol';
import type { Supply } from './supply.js';

/** Fids that a conversation uses: few, so that requests meet. */
export const FIDS = 6;
/** Names that the trees under test have, and what no file is called. */
const NAMES = ['a', 'b', 'd', 'e', 'link', 'new', '..'];
const ODD_NAMES = [
  '',
  '.',
  '/',
  'a/b',
  '../a',
  'a\0b',
  '\udc80',
  'é',
  'pipe',
  'x'.repeat(256),
  'y'.repeat(4000),
];
const NUMBERS = [0, 1, 2, 7, 0x1ff, 0x200, 0xfff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const LONG_NUMBERS: readonly Uint64[] = [
  ...[0, 1, 2, 3, 100, 4096, 0x7fffffff, 0xffffffff, 2 ** 40, Number.MAX_SAFE_INTEGER],
  ...[2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];
const TYPES: readonly number[] = Object.values(MessageType);

export function fidIn(supply: Supply): number {
  return supply.once(32) ? supply.pick([NOFID, 0x7fffffff, FIDS + 3]) : supply.below(FIDS);
}

export function nameIn(supply: Supply): string {
  return supply.once(5) ? supply.pick(ODD_NAMES) : supply.pick(NAMES);
}

export function u32In(supply: Supply): number {
  return supply.once(3) ? supply.byte() : supply.pick(NUMBERS);
}

export function u64In(supply: Supply): Uint64 {
  return supply.once(3) ? supply.below(300) : supply.pick(LONG_NUMBERS);
}

/** Most often "no change", or no group. */
export function idIn(supply: Supply): number {
  return supply.once(2) ? NONUNAME : u32In(supply);
}

export function qidIn(supply: Supply): Qid {
  return {
    type: supply.pick([0, 0x80, 2, 0x80, supply.byte()]),
    version: supply.byte(),
    path: u64In(supply),
  };
}

export function typeIn(supply: Supply): number {
  return supply.pick(TYPES);
}

/** What a Twstat asks for, or an Rstat tells. */
export function statIn(supply: Supply, untouched: Stat): Stat {
  const changes: Record<string, unknown> = {};
  for (let count = 1 + supply.below(3); count > 0; count--) {
    const field = supply.pick(Object.keys(untouched) as (keyof Stat)[]);
    const value = untouched[field];
    if (field === 'qid') changes.qid = qidIn(supply);
    else if (field === 'length') changes.length = u64In(supply);
    else changes[field] = typeof value === 'string' ? nameIn(supply) : u32In(supply);
  }
  return { ...untouched, ...changes, type: supply.once(16) ? 1 : untouched.type & 0xffff };
}
