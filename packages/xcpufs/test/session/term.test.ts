import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { TERM_STALLED, TERM_WINDOW } from '../../src/limits.js';
import { Term } from '../../src/session/term.js';
import { request, settled, type TestRequest, textOf } from '../support.js';

describe("a session's channel back to its client", () => {
  it('relays both ways in order, whatever is cut where', async () => {
    const { end, mounter } = joined();
    const reads = [end.read(4, request()), end.read(100, request())];
    mounter.say('first second');
    expect(await Promise.all(reads.map(textOf))).toEqual(['firs', 't second']);
    mounter.say('thi');
    mounter.say('rd');
    await settled();
    expect(await textOf(end.read(100, request()))).toBe('third');
    const counts = ['ab', 'c', ''].map((text) => end.write([Buffer.from(text)], request()));
    expect(await Promise.all(counts)).toEqual([2, 1, 0]);
    expect(await end.write([Buffer.from('d'), Buffer.from('e')], request())).toBe(2);
    expect(mounter.heard()).toBe('abcde');
  });

  it('holds what comes before the stream, and then gives it first', async () => {
    const term = new Term();
    const end = term.open();
    const read = textOf(end.read(10, request()));
    const first = end.write([Buffer.from('1')], request());
    const mounter = new Mounter();
    term.connect(mounter);
    const second = end.write([Buffer.from('2')], request());
    mounter.say('hello');
    expect(await Promise.all([read, first, second])).toEqual(['hello', 1, 1]);
    expect(mounter.heard()).toBe('12');
  });

  it('copies nothing', async () => {
    const { end, mounter } = joined();
    const said = Buffer.alloc(100_000, 'x');
    mounter.say(said);
    await settled();
    const [piece] = (await end.read(60_000, request())) as Uint8Array[];
    expect(piece!.buffer).toBe(said.buffer);
    expect(piece!.length).toBe(60_000);
    const written = Buffer.alloc(100_000, 'y');
    await end.write([written], request());
    expect(mounter.chunks[0]).toBe(written);
  });

  it('does not read on what nobody asks for', async () => {
    const { end, mounter } = joined();
    for (let n = 0; n < 100; n++) mounter.say(Buffer.alloc(65_536));
    await settled();
    expect(mounter.isPaused()).toBe(true);
    expect(mounter.unread).toBeGreaterThan(100 * 65_536 - TERM_WINDOW - 3 * 65_536);
    let bytes = 0;
    while (bytes < 100 * 65_536) bytes += (await textOf(end.read(1 << 20, request()))).length;
    expect(mounter.isPaused()).toBe(false);
  });

  it('reads on where it must never stall, and closes above a limit', async () => {
    const term = new Term();
    const end = term.open();
    const mounter = new Mounter();
    term.connect(mounter, { neverStall: true });
    const chunk = Buffer.alloc(2 ** 20);
    for (let bytes = 0; bytes < TERM_STALLED; bytes += chunk.length) mounter.say(chunk);
    await settled();
    expect(mounter.unread).toBe(0);
    expect(mounter.destroyed).toBe(false);
    mounter.say('x');
    await settled();
    expect(mounter.destroyed).toBe(true);
    expect(await textOf(end.read(100, request()))).toBe('');
  });

  it('answers a write when the stream has taken it', async () => {
    const { end, mounter } = joined({ deaf: true });
    let answered = 0;
    const writes = [1, 2].map(async (bytes) => {
      const count = await end.write([Buffer.alloc(bytes)], request());
      answered += count;
    });
    await settled();
    expect(answered).toBe(0);
    mounter.takeOne();
    await settled();
    expect(answered).toBe(1);
    mounter.takeOne();
    await Promise.all(writes);
    expect(answered).toBe(3);
  });

  it('answers no more than a client takes', async () => {
    const { end, mounter } = joined();
    const slow = congested();
    const read = end.read(10, slow.request);
    let answered = false;
    void Promise.resolve(read).then(() => {
      answered = true;
    });
    mounter.say('x');
    await settled();
    expect(answered).toBe(false);
    slow.drain();
    expect(await textOf(read)).toBe('x');
  });

  it('is open once at a time, and joined once an opening', async () => {
    const term = new Term();
    const mounter = new Mounter();
    expect(() => term.connect(mounter)).toThrow('term: not open');
    const first = term.open();
    expect(() => term.open()).toThrow(
      expect.objectContaining({ ename: 'term: in use', errno: 16 }),
    );
    term.connect(mounter);
    const other = new Mounter();
    expect(() => term.connect(other)).toThrow('term: in use');
    expect(other.destroyed).toBe(false);
    first.close();
    first.close();
    const second = term.open();
    first.close();
    expect(() => term.open()).toThrow('term: in use');
    term.connect(other);
    other.say('to the second');
    expect(await textOf(second.read(100, request()))).toBe('to the second');
  });
});

describe('a flush of a request about term', () => {
  it('takes nothing from what was said', async () => {
    const { end, mounter } = joined();
    const flushed = request();
    const first = end.read(100, flushed);
    const second = end.read(100, request());
    flushed.abort();
    await expect(first).rejects.toThrow('flushed');
    mounter.say('for the second');
    expect(await textOf(second)).toBe('for the second');
  });

  it('takes a write back that nothing has', async () => {
    const term = new Term();
    const end = term.open();
    const flushed = request();
    const first = end.write([Buffer.from('never')], flushed);
    const second = end.write([Buffer.from('this')], request());
    flushed.abort();
    await expect(first).rejects.toThrow('flushed');
    const mounter = new Mounter();
    term.connect(mounter);
    await second;
    expect(mounter.heard()).toBe('this');
  });

  it('is answered while the stream takes nothing', async () => {
    const { end } = joined({ deaf: true });
    const flushed = request();
    const stuck = end.write([Buffer.from('x')], flushed);
    await settled();
    flushed.abort();
    await expect(stuck).rejects.toThrow('flushed');
  });

  it('leaves nothing behind, a thousand times', async () => {
    const { end, mounter } = joined();
    const requests: TestRequest[] = [];
    const reads = Array.from({ length: 1000 }, () => {
      const asked = request();
      requests.push(asked);
      return Promise.resolve(end.read(100, asked)).catch(() => 'flushed');
    });
    for (const asked of requests) asked.abort();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['flushed']));
    mounter.say('still here');
    expect(await textOf(end.read(100, request()))).toBe('still here');
  });
});

describe('the end of a channel', () => {
  it('by its opener ends what was joined', async () => {
    const { end, mounter } = joined();
    const read = Promise.resolve(end.read(10, request()));
    end.close();
    await expect(read.then(textOf)).resolves.toBe('');
    expect(mounter.destroyed).toBe(true);
  });

  it('by its opener fails what waits for a client that takes nothing', async () => {
    const { end, mounter } = joined();
    const slow = congested();
    const read = end.read(10, slow.request);
    mounter.say('x');
    await settled();
    end.close();
    await expect(read).rejects.toMatchObject({ errno: 9 });
    expect(slow.waits()).toBe(false);
  });

  it('by what was joined is the end of file, behind what it said', async () => {
    const { end, mounter } = joined();
    mounter.say('last words');
    await settled();
    mounter.push(null);
    await settled();
    expect(await textOf(end.read(4, request()))).toBe('last');
    expect(await textOf(end.read(100, request()))).toBe(' words');
    expect(await textOf(end.read(100, request()))).toBe('');
    expect(() => end.write([Buffer.from('x')], request())).toThrow('broken pipe');
    expect(mounter.destroyed).toBe(true);
  });

  it('by a failure of what was joined tells all that wait', async () => {
    const { end, mounter } = joined({ deaf: true });
    const read = end.read(10, request());
    const write = end.write([Buffer.from('x')], request());
    write.catch(() => {});
    await settled();
    mounter.destroy(new Error('reset'));
    expect(await textOf(read)).toBe('');
    await expect(write).rejects.toMatchObject({ ename: 'broken pipe', errno: 32 });
  });

  it('by the session ends both sides, and later openings at once', async () => {
    const { term, end, mounter } = joined();
    const read = end.read(10, request());
    term.end();
    expect(await textOf(read)).toBe('');
    expect(mounter.destroyed).toBe(true);
    const late = term.open();
    expect(await textOf(late.read(10, request()))).toBe('');
    expect(() => term.connect(new Mounter())).toThrow('term: not open');
  });

  it('for a new owner lets him open it while the other still has it', async () => {
    const { term, end, mounter } = joined();
    term.drop();
    expect(mounter.destroyed).toBe(true);
    const his = term.open();
    const next = new Mounter();
    term.connect(next);
    end.close();
    next.say('for him');
    expect(await textOf(his.read(100, request()))).toBe('for him');
    expect(await textOf(end.read(100, request()))).toBe('');
  });

  it('before anything was joined fails what was written', async () => {
    const term = new Term();
    const end = term.open();
    const write = end.write([Buffer.from('x')], request());
    term.end();
    await expect(write).rejects.toMatchObject({ errno: 32 });
  });

  it('of a stream that was over before it was joined', async () => {
    const term = new Term();
    const end = term.open();
    const mounter = new Mounter();
    mounter.destroy();
    term.connect(mounter);
    expect(await textOf(end.read(10, request()))).toBe('');
  });
});

/** A channel that somebody has open, and what is joined to it. */
function joined(options?: { readonly deaf: boolean }) {
  const term = new Term();
  const end = term.open();
  const mounter = new Mounter(options);
  term.connect(mounter);
  return { term, end, mounter };
}

/** What a node mounts with, played by the test. */
class Mounter extends Duplex {
  readonly chunks: Buffer[] = [];
  readonly #deaf: boolean;
  readonly #said: Buffer[] = [];
  #wanted = false;
  #taken: (() => void)[] = [];

  constructor({ deaf = false }: { readonly deaf?: boolean } = {}) {
    super();
    this.#deaf = deaf;
  }

  /** Bytes that were said and not read. */
  get unread(): number {
    return this.#said.reduce((sum, { length }) => sum + length, 0) + this.readableLength;
  }

  say(data: string | Buffer): void {
    this.#said.push(typeof data === 'string' ? Buffer.from(data) : data);
    if (this.#wanted) this._read();
  }

  heard(): string {
    return Buffer.concat(this.chunks).toString();
  }

  /** Takes what was written and waits, one piece. */
  takeOne(): void {
    this.#taken.shift()?.();
  }

  override _read(): void {
    const next = this.#said.shift();
    this.#wanted = next === undefined;
    if (next) this.push(next);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    if (this.#deaf) this.#taken.push(done);
    else done();
  }
}

/** A request of a client that has not taken its answers, until `drain`. */
function congested() {
  const listeners = new Set<() => void>();
  const asked = request(undefined, {
    onDrain: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  }) as TestRequest & { congested: boolean };
  asked.congested = true;
  return {
    request: asked,
    waits: () => listeners.size > 0,
    drain: () => {
      asked.congested = false;
      for (const listener of listeners) listener();
    },
  };
}
