import { expect, test } from 'vitest';
import { ownersAlone, ownersAs, ownersMapped, sameOwners } from '../src/owners.js';

const file = { uid: 1000, gid: 100 };

test('the same numbers on both sides', () => {
  expect(sameOwners.shown(file)).toEqual(file);
  expect(sameOwners.asked('uid', 7)).toBe(7);
  expect(sameOwners.groupOfNew(8)).toBe(8);
});

test("all files as one user's, who cannot give them away", () => {
  const owners = ownersAs({ uid: 5 });
  expect(owners.shown(file)).toEqual({ uid: 5, gid: 100 });
  expect(() => owners.asked('uid', 6)).toThrow(expect.objectContaining({ errno: 1 }));
  expect(owners.asked('gid', 6)).toBe(6);
  expect(owners.groupOfNew(6)).toBeUndefined();
});

test('all files as one user’s, whose numbers are others on the server', () => {
  const owners = ownersAlone(file, { uid: 0, gid: 0 });
  expect(owners.shown({ uid: 7, gid: 8 })).toEqual({ uid: 0, gid: 0 });
  expect(owners.asked('uid', 0)).toBe(1000);
  expect(owners.asked('gid', 0)).toBe(100);
  expect(() => owners.asked('uid', 7)).toThrow(expect.objectContaining({ errno: 1 }));
  expect(owners.groupOfNew(0)).toBeUndefined();
});

test("a user's own files as his, the others as they are", () => {
  const owners = ownersMapped(file, { uid: 5, gid: 6 });
  expect(owners.shown(file)).toEqual({ uid: 5, gid: 6 });
  expect(owners.shown({ uid: 0, gid: 0 })).toEqual({ uid: 0, gid: 0 });
  expect(owners.asked('uid', 5)).toBe(1000);
  expect(owners.asked('gid', 6)).toBe(100);
  expect(owners.asked('uid', 0)).toBe(0);
  expect(owners.groupOfNew(6)).toBeUndefined();
  expect(owners.groupOfNew(7)).toBe(7);
});
