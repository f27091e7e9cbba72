import { describe, expect, it } from 'vitest';
import { attributes } from '../../src/tree/caller.js';
import { addUser, callerOf, makeTable } from '../support.js';

/** Bits that each open mode asks for: read 4, write 2, execute 1. */
const WANTED: readonly (readonly [mode: number, bits: number])[] = [
  [0x00, 4],
  [0x01, 2],
  [0x02, 6],
  [0x03, 1],
  [0x10, 6],
  [0x11, 2],
  [0x12, 6],
  [0x13, 3],
  [0x40, 4],
  [0x81, 2],
  [0x91, 2],
];

describe('permission to open', () => {
  it('asks for all bits that a mode wants, of the class that the caller is in', () => {
    const { table, owner, mate, other, member, deleted } = setUp();
    for (let permissions = 0; permissions < 0o1000; permissions += 0o1) {
      const file = attributes('f', permissions, owner);
      for (const [mode, bits] of WANTED) {
        const allowed = (user: typeof owner) =>
          opens(() => callerOf(table, user).checkOpen(file, mode));
        const granted = (shift: number) => ((permissions >> shift) & bits) === bits;
        expect(allowed(owner)).toBe(granted(6));
        expect(allowed(mate)).toBe(granted(3));
        expect(allowed(other)).toBe(granted(0));
        expect(allowed(table.admin)).toBe(true);
        expect(allowed(member)).toBe(true);
        expect(allowed(deleted)).toBe(false);
      }
    }
  });

  it('answers EPERM', () => {
    const { table, owner, other } = setUp();
    const file = attributes('f', 0o700, owner);
    expect(() => callerOf(table, other).checkOpen(file, 0)).toThrow(
      expect.objectContaining({ ename: 'permission denied', errno: 1 }),
    );
  });

  it('says whose sessions somebody may use', () => {
    const { table, owner, mate, other, member, deleted } = setUp();
    const users = [owner, mate, table.admin, member, other, deleted];
    const may = users.map((user) => callerOf(table, user).mayUse(owner));
    expect(may).toEqual([true, true, true, true, false, false]);
  });
});

function setUp() {
  const table = makeTable();
  const owner = addUser(table, 'owner', 1);
  const mate = addUser(table, 'mate', 2);
  table.addToGroup('mate', 'owners');
  const other = addUser(table, 'other', 3);
  const member = addUser(table, 'member', 4);
  table.addToGroup('member', 'xcpu-admin');
  const deleted = addUser(table, 'deleted', 5);
  table.addToGroup('deleted', 'xcpu-admin');
  table.deleteUser('deleted');
  return { table, owner, mate, other, member, deleted };
}

function opens(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
