import type { OpenFile, Request } from '@xcpu/9p-protocol/server';
import { expect, it } from 'vitest';
import { SharedText } from '../src/tree/shared-text.js';

const REQUEST = {} as Request<string>;

function read(file: OpenFile<string>, offset = 0, count = 100): string {
  return Buffer.from(file.read!(offset, count, REQUEST) as Uint8Array).toString();
}

it('shows whoever opened it one version to its end', () => {
  let text = 'first';
  const shared = new SharedText(() => text, 0);
  const before = shared.open();
  expect(read(before, 0, 3)).toBe('fir');
  text = 'second';
  const after = shared.open();
  expect(read(before, 3)).toBe('st');
  expect(read(after)).toBe('second');
  expect(read(after, 6)).toBe('');
});

it('makes one version for all who ask within its age', () => {
  let made = 0;
  const shared = new SharedText(() => String(++made), 60_000);
  expect(read(shared.open())).toBe('1');
  expect(read(shared.open())).toBe('1');
  expect(shared.bytes().toString()).toBe('1');
});

it('gives up the oldest versions beyond its budget, and says so to who still reads them', () => {
  let made = 0;
  const shared = new SharedText(() => `version ${++made}`, 0, 20);
  const files = [shared.open(), shared.open(), shared.open()];
  expect(() => read(files[0]!)).toThrow('open it again');
  expect(read(files[1]!)).toBe('version 2');
  expect(read(files[2]!)).toBe('version 3');
});

it('keeps the newest version however long it is, and counts equal ones once', () => {
  const shared = new SharedText(() => 'x'.repeat(50), 0, 20);
  const files = [shared.open(), shared.open()];
  for (const file of files) expect(read(file)).toHaveLength(50);
});

it('forgets versions that nobody reads any more, so that others keep theirs', () => {
  let made = 0;
  const shared = new SharedText(() => `version ${++made}`, 0, 30);
  const kept = shared.open();
  for (let each = 0; each < 5; each++) {
    shared.bytes();
    shared.open().close!();
  }
  expect(read(kept)).toBe('version 1');
});
