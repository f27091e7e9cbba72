import { NinePError } from '@xcpu/9p-protocol';
import type { Awaitable, OpenFile, Request, SyntheticAttributes } from '@xcpu/9p-protocol/server';
import { XcpuFormatError } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import { attributes, type Caller } from '../../src/tree/caller.js';
import { CommandFile } from '../../src/tree/command-file.js';
import { callerOf, makeTable, request, settled, textOf } from '../support.js';

describe('a ctl file', () => {
  it('carries out commands that come in pieces, or several at a time', () => {
    const { file, write } = setUp();
    for (const piece of ['fir', 'st', '\nsecond\nthi', 'rd\n'])
      expect(write(piece)).toBe(piece.length);
    expect(file.ran).toEqual(['first', 'second', 'third']);
  });

  it('ignores what follows a NUL, and counts it as taken', () => {
    const { file, write } = setUp();
    expect(write(`padded\n\0${'junk\n'.repeat(100)}`)).toBe(508);
    expect(file.ran).toEqual(['padded']);
  });

  it('drops the rest of a write after a command that failed, and no more', () => {
    const { file, write } = setUp();
    expect(() => write('good\nfail\nnever\nunfinish')).toThrow('as told');
    expect(write('ed\n')).toBe(3);
    expect(file.ran).toEqual(['good', 'fail', 'ed']);
  });

  it('answers what a parser refused in its own words', () => {
    const { write } = setUp();
    expect(() => write('malformed\n')).toThrow(
      expect.objectContaining({ ename: 'syntax error', errno: 5 }),
    );
  });

  it('carries out what comes after a command that takes long only when that is done', async () => {
    const { file, write } = setUp();
    const slow = write('slow\nafter\n');
    const next = write('next\n');
    await settled();
    expect(file.ran).toEqual(['slow']);
    file.finish();
    expect(await Promise.all([slow, next])).toEqual([11, 5]);
    expect(file.ran).toEqual(['slow', 'after', 'next']);
  });

  it('goes on with the next write after one that failed late', async () => {
    const { file, write } = setUp();
    const slow = write('slow\nfail\nnever\n');
    const next = write('next\n');
    file.finish();
    await expect(slow).rejects.toThrow('as told');
    expect(await next).toBe(5);
    expect(file.ran).toEqual(['slow', 'fail', 'next']);
  });

  it('lets others have their turn between the commands of a long write', async () => {
    const { file, write } = setUp();
    const long = write('more\n'.repeat(1000));
    expect(file.ran.length).toBeLessThan(1000);
    const next = write('next\n');
    expect(await Promise.all([long, next])).toEqual([5000, 5]);
    expect(file.ran).toHaveLength(1001);
    expect(file.ran.at(-1)).toBe('next');
  });

  it('tells of a command that fails at once, wherever it stands in a long write', async () => {
    const { write } = setUp();
    const refused = write(`${'more\n'.repeat(255)}refuse\n`) as Promise<number>;
    await expect(refused).rejects.toThrow('as told');
  });

  it('takes nothing more from a user who was deleted', () => {
    const { file, write, caller } = setUp();
    write('before\n');
    caller.user!.user.deleted = true;
    expect(() => write('after\n')).toThrow('permission denied');
    expect(file.ran).toEqual(['before']);
  });

  it('keeps the input of each open apart, and drops an unfinished command when it is truncated', () => {
    const { file, write, open, caller } = setUp();
    const other = open();
    write('mi');
    other('yours\n');
    write('ne\nunfinished');
    file.wstat({ length: 0 }, caller);
    write('clean\n');
    expect(file.ran).toEqual(['yours', 'mine', 'clean']);
  });

  it('reads as its text', async () => {
    const { file, caller } = setUp();
    const opened = file.open(0, caller) as OpenFile<Caller>;
    expect(await textOf(opened.read!(0, 100, caller))).toBe('the text');
    expect(await textOf(opened.read!(4, 2, caller))).toBe('te');
    expect(await textOf(opened.read!(99, 2, caller))).toBe('');
  });

  it('answers when what the commands did is saved, and does the next ones meanwhile', async () => {
    const { file, write } = setUp();
    const saves: (() => void)[] = [];
    file.saved = () => new Promise((resolve) => saves.push(resolve));
    const answered: unknown[] = [];
    for (const text of ['first\n', 'second\n']) {
      Promise.resolve(write(text)).then((count) => answered.push(count));
    }
    await settled();
    expect(file.ran).toEqual(['first', 'second']);
    expect(answered).toEqual([]);
    for (const save of saves) save();
    await settled();
    expect(answered).toEqual([6, 7]);
  });

  it('saves what was done before a command that failed, and tells of that', async () => {
    const { file, write } = setUp();
    let saves = 0;
    file.saved = () => {
      saves++;
    };
    await expect(write('first\nfail\n')).rejects.toThrow('as told');
    expect(saves).toBe(1);
  });

  it('says so where it could not be saved, and tells that from a command that failed', async () => {
    const { file, write } = setUp();
    file.saved = () => Promise.reject(new NinePError('done, but not saved: disk full', 28));
    await expect(write('first\n')).rejects.toThrow(/^done, but not saved: disk full$/);
    await expect(write('second\nmalformed\n')).rejects.toThrow(
      expect.objectContaining({
        ename: 'syntax error; before it: done, but not saved: disk full',
        errno: 5,
      }),
    );
    expect(file.ran).toEqual(['first', 'second', 'malformed']);
  });
});

class Commands extends CommandFile {
  readonly ran: string[] = [];
  finish: () => void = () => {};

  constructor(of: SyntheticAttributes) {
    super(of);
  }

  protected override run(line: string): Awaitable<void> {
    this.ran.push(line);
    if (line === 'fail') throw new Error('as told');
    if (line === 'malformed') throw new XcpuFormatError('syntax error');
    if (line === 'refuse') return Promise.reject(new Error('as told'));
    if (line !== 'slow') return;
    return new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  protected override text(): string {
    return 'the text';
  }

  declare saved?: () => Awaitable<void>;
}

function setUp() {
  const table = makeTable();
  const file = new Commands(attributes('ctl', 0o664, table.admin));
  const caller = request(callerOf(table, table.admin)) as Request<Caller>;
  const open = () => {
    const opened = file.open(1, caller) as OpenFile<Caller>;
    return (text: string) => opened.write!(0, Buffer.from(text), caller);
  };
  return { file, caller, open, write: open() };
}
