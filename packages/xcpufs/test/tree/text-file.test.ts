import type { OpenFile, Request } from '@xcpu/9p-protocol/server';
import { describe, expect, it } from 'vitest';
import { MAX_TEXT } from '../../src/limits.js';
import { attributes, type Caller } from '../../src/tree/caller.js';
import { TextFile } from '../../src/tree/text-file.js';
import { callerOf, makeTable, request, textOf } from '../support.js';

const WRITE = 1;
const TRUNCATE = 0x10;
const APPEND = 0x80;

describe('a text that clients write', () => {
  it('is written at offsets, never with a hole', () => {
    const { written } = setUp('0123456789');
    expect(written(WRITE, [2, 'ab'])).toBe('01ab456789');
    expect(written(WRITE, [9, 'xyz'])).toBe('01ab45678xyz');
    expect(written(WRITE, [2 ** 40, '!'])).toBe('01ab45678xyz!');
    expect(written(WRITE, [0, ''])).toBe('01ab45678xyz!');
  });

  it('is appended to whatever the offset, where that was asked for', () => {
    const { written } = setUp('old\n');
    expect(written(WRITE | APPEND, [0, 'new\n'], [0, 'newer\n'])).toBe('old\nnew\nnewer\n');
  });

  it('is emptied by an open or a wstat that truncates', () => {
    const { file, store, caller, written } = setUp('a long default');
    expect(written(WRITE | TRUNCATE, [0, 'short'])).toBe('short');
    file.wstat({ length: 0, mtime: 1 }, caller);
    expect(store.contents).toHaveLength(0);
    expect(() => file.wstat({ length: 5 }, caller)).toThrow('permission denied');
  });

  it('has a limit, and keeps what it has when a write goes beyond', () => {
    const { written, store } = setUp('');
    written(WRITE, [0, 'x'.repeat(MAX_TEXT)]);
    expect(() => written(WRITE | APPEND, [0, 'y'])).toThrow(
      expect.objectContaining({ ename: `file too long (limit ${MAX_TEXT} bytes)`, errno: 27 }),
    );
    expect(store.contents).toHaveLength(MAX_TEXT);
  });

  it('reads as it is now, and as nothing behind its end', async () => {
    const { file, caller, written } = setUp('first');
    const opened = file.open(0, caller) as OpenFile<Caller>;
    expect(await textOf(opened.read!(1, 3, caller))).toBe('irs');
    written(WRITE | TRUNCATE, [0, 'second']);
    expect(await textOf(opened.read!(0, 100, caller))).toBe('second');
    expect(await textOf(opened.read!(6, 100, caller))).toBe('');
    expect(file.length()).toBe(6);
  });

  it('keeps no view of what it was given', () => {
    const { file, store, caller } = setUp('');
    const data = Buffer.from('mine');
    (file.open(WRITE, caller) as OpenFile<Caller>).write!(0, data, caller);
    data.fill('x');
    expect(store.contents.toString()).toBe('mine');
  });
});

function setUp(contents: string) {
  const table = makeTable();
  const store = {
    contents: Buffer.from(contents) as Buffer,
    get: () => store.contents,
    set: (next: Buffer) => {
      store.contents = next;
    },
  };
  const file = new TextFile(attributes('env', 0o664, table.admin), store);
  const caller = request(callerOf(table, table.admin)) as Request<Caller>;
  /** The contents after these writes through one open. */
  const written = (mode: number, ...writes: [offset: number, text: string][]) => {
    const opened = file.open(mode, caller) as OpenFile<Caller>;
    for (const [offset, text] of writes) opened.write!(offset, Buffer.from(text), caller);
    return store.contents.toString();
  };
  return { file, store, caller, written };
}
