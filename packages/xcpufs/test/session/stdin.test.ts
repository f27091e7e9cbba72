import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Stdin } from '../../src/session/stdin.js';
import { request, settled, temporaryDirectory } from '../support.js';

describe("a program's input", () => {
  it('takes writes in the order in which they came, those before the program included', async () => {
    const stdin = new Stdin();
    const pipe = makePipe();
    const first = stdin.write(Buffer.from('one '), request());
    const second = stdin.write(Buffer.from('two '), request());
    stdin.connect(pipe.writer);
    const third = stdin.write(Buffer.from('three'), request());
    expect(await Promise.all([first, second, third])).toEqual([4, 4, 5]);
    expect(pipe.read()).toBe('one two three');
  });

  it('ends after what was written before', async () => {
    const stdin = new Stdin();
    const pipe = makePipe();
    const written = stdin.write(Buffer.from('last'), request());
    stdin.close();
    expect(() => stdin.write(Buffer.from('more'), request())).toThrow('broken pipe');
    stdin.connect(pipe.writer);
    await written;
    await settled();
    expect(pipe.read()).toBe('last');
    expect(pipe.atEnd()).toBe(true);
  });

  it('answers with EPIPE what waits when the program ends', async () => {
    const stdin = new Stdin();
    const waiting = stdin.write(Buffer.from('x'), request());
    stdin.end();
    await expect(waiting).rejects.toMatchObject({ ename: 'broken pipe', errno: 32 });
    expect(() => stdin.write(Buffer.from('x'), request())).toThrow('broken pipe');
  });

  it('forgets a write that is flushed before the pipe takes it', async () => {
    const stdin = new Stdin();
    const pipe = makePipe();
    const flushed = request();
    const first = stdin.write(Buffer.from('never'), flushed);
    const second = stdin.write(Buffer.from('this'), request());
    flushed.abort();
    await expect(first).rejects.toThrow('flushed');
    stdin.connect(pipe.writer);
    await second;
    expect(pipe.read()).toBe('this');
  });

  it('answers a flush at once while the program does not read', async () => {
    const stdin = new Stdin();
    const pipe = makePipe();
    stdin.connect(pipe.writer);
    const flushed = request();
    const stuck = stdin.write(Buffer.alloc(1_000_000), flushed);
    await settled();
    flushed.abort();
    await expect(stuck).rejects.toThrow('flushed');
    stdin.end();
  });

  it('closes the pipe of a program that was started for a session that is gone', async () => {
    const stdin = new Stdin();
    const pipe = makePipe();
    stdin.end();
    stdin.connect(pipe.writer);
    await settled();
    expect(pipe.atEnd()).toBe(true);
  });
});

/** A pipe whose reading end never waits. */
function makePipe() {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  unlinkSync(path);
  onTestFinished(() => closeSync(reader));
  const buffer = Buffer.alloc(65_536);
  return {
    writer,
    read: () => buffer.toString('latin1', 0, readSync(reader, buffer)),
    atEnd: () => readSync(reader, buffer) === 0,
  };
}
