import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAsPipe } from '../src/pipe-reader.js';

describe('reading a descriptor as a pipe', () => {
  let directory: string;
  let pipe: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pipe-reader-'));
    pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('fills the buffer that it is given for each read, and tells of the end', async () => {
    // Both ends at once: opening one alone would wait for the other.
    const both = openSync(pipe, 'r+');
    const fd = openSync(pipe, 'r');
    const buffers = [Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)];
    const read: string[] = [];
    const ended = new Promise((resolve) => {
      let next = 0;
      readAsPipe(fd, {
        buffer: () => buffers[next % buffers.length]!,
        read: (length) => {
          read.push(buffers[next % buffers.length]!.toString('latin1', 0, length));
          next++;
          if (next < 3) writeSync(both, 'more'.slice(next));
          else closeSync(both);
        },
        end: resolve,
      });
    });
    writeSync(both, 'abcd');
    expect(await ended).toBeUndefined();
    expect(read).toEqual(['abcd', 'ore', 're']);
    expect(() => fstatSync(fd)).toThrow('EBADF');
  });

  test('ends when it is told to: the descriptor is closed at once', async () => {
    const both = openSync(pipe, 'r+');
    const fd = openSync(pipe, 'r');
    const read: number[] = [];
    const ended = new Promise((resolve) => {
      const close = readAsPipe(fd, {
        buffer: () => Buffer.alloc(4),
        read: (length) => {
          read.push(length);
          close();
          expect(() => fstatSync(fd)).toThrow('EBADF');
        },
        end: resolve,
      });
    });
    writeSync(both, 'abcdefgh');
    expect(await ended).toBeUndefined();
    expect(read).toEqual([4]);
    closeSync(both);
  });

  test('tells of an error, and what cannot be opened is refused at once', async () => {
    // libuv's word for what cannot be read: a descriptor that can only be written.
    const both = openSync(pipe, 'r+');
    const fd = openSync(pipe, 'w');
    const reader = { buffer: () => Buffer.alloc(4), read: () => {} };
    closeSync(both);
    const error = await new Promise<NodeJS.ErrnoException | undefined>((end) =>
      readAsPipe(fd, { ...reader, end }),
    );
    expect(error?.code).toBe('ENOTCONN');
    expect(() => readAsPipe(1_000_000, { ...reader, end: () => {} })).toThrow(
      'cannot wait for descriptor 1000000: error 9',
    );
  });
});
