import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogFile } from '../../src/session/log-file.js';
import { Spool } from '../../src/session/spool.js';
import { StreamLog } from '../../src/session/stream-log.js';
import { request, settled, type TestRequest, temporaryDirectory, textOf } from '../support.js';

const WINDOW = 5_000;
const MARKER = /\n\[xcpufs: (\d+) bytes of output dropped\]\n/;

const reader = fc.nat(3);
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('append' as const),
      length: fc.oneof(fc.nat(40), fc.nat(6_000)),
    }),
    fc.record({ kind: fc.constant('open' as const) }),
    fc.record({ kind: fc.constantFrom('close' as const, 'flush' as const), reader }),
    fc.record({
      kind: fc.constant('read' as const),
      reader,
      count: fc.integer({ min: 1, max: 9_000 }),
    }),
  ),
  { maxLength: 60 },
);

/** A reader, and what it has been given so far. */
class Reading {
  readonly file: LogFile;
  readonly start: number;
  text = '';
  pending: TestRequest | undefined;

  constructor(log: StreamLog) {
    this.file = new LogFile(log);
    this.start = this.file.offset;
  }

  /** Reads, and waits for the answer, which is added to the text. */
  async answer(count: number, by = request()): Promise<void> {
    const text = await textOf(this.file.read(0, count, by));
    expect(text.length).toBeLessThanOrEqual(count);
    this.text += text;
  }

  /** Reads, unless a read waits already. */
  async read(count: number): Promise<void> {
    if (this.pending) return;
    const pending = request();
    this.pending = pending;
    const clear = () => {
      this.pending = undefined;
    };
    this.answer(count, pending).then(clear, clear);
    await settled();
  }

  async flush(): Promise<void> {
    const before = this.text;
    this.pending?.abort();
    await settled();
    expect(this.pending).toBeUndefined();
    expect(this.text).toBe(before);
  }
}

describe('a stream in memory', () => {
  it('gives every reader all bytes from its start on, and drops none that a reader wants', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const log = new StreamLog(WINDOW);
        const readings: Reading[] = [];
        let written = '';
        let furthest = 0;
        for (const step of list) {
          if (step.kind === 'append' && !log.full) {
            const data = lettersFrom(written.length, step.length);
            written += data;
            log.append(Buffer.from(data));
          } else if (step.kind === 'open' && readings.length < 4) {
            readings.push(new Reading(log));
          } else if (step.kind !== 'append' && step.kind !== 'open' && readings.length > 0) {
            const reading = readings[step.reader % readings.length]!;
            if (step.kind === 'read') await reading.read(step.count);
            else if (step.kind === 'flush') await reading.flush();
            else {
              furthest = Math.max(furthest, reading.start + reading.text.length);
              reading.file.close();
              readings.splice(readings.indexOf(reading), 1);
            }
          }
          await settled();
          const offsets = readings.map(({ start, text }) => start + text.length);
          const least = offsets.length > 0 ? Math.min(...offsets) : furthest;
          expect(log.full).toBe(written.length - least >= WINDOW);
          expect(log.start).toBeLessThanOrEqual(least);
          expect(log.start).toBeLessThanOrEqual(Math.max(0, written.length - WINDOW));
          for (const { start, text } of readings) {
            expect(text).toBe(written.slice(start, start + text.length));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('lets go of what everybody has read, but for a window', () => {
    const log = new StreamLog(WINDOW);
    const file = new LogFile(log);
    for (let round = 0; round < 100; round++) {
      log.append(Buffer.alloc(4_000));
      file.read(0, 4_000, request());
    }
    expect(log.end - log.start).toBeLessThan(WINDOW + 4_000);
  });

  it('calls for more when its slowest reader goes on, and not before', () => {
    const log = new StreamLog(WINDOW);
    let calls = 0;
    log.onRoom = () => calls++;
    const [slow, fast] = [new LogFile(log), new LogFile(log)];
    log.append(Buffer.alloc(WINDOW));
    fast.read(0, WINDOW, request());
    expect([log.full, calls]).toEqual([true, 0]);
    slow.read(0, 1, request());
    expect([log.full, calls]).toEqual([false, 1]);
  });

  it('gathers what comes byte by byte in blocks', () => {
    const log = new StreamLog(WINDOW);
    for (let at = 0; at < 20_000; at++) log.append(Buffer.from([at & 0xff]));
    const pieces = log.read(log.start, 20_000) as Uint8Array[];
    expect(pieces.length).toBeLessThan(10);
    expect(
      Buffer.concat(pieces).equals(Buffer.from(Array.from({ length: 20_000 }, (_, at) => at))),
    ).toBe(true);
  });

  it('does not change pieces that are on their way to a reader', () => {
    const log = new StreamLog(WINDOW);
    log.append(Buffer.from('a'));
    const [piece] = log.read(0, 10) as Uint8Array[];
    log.append(Buffer.from('b'));
    expect(Buffer.from(piece!).toString()).toBe('a');
  });
});

describe('a stream that spools', () => {
  it('gives every reader its bytes in order, and tells exactly how many it dropped', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(6_000, 20_000), async (list, quota) => {
        const log = new StreamLog(WINDOW);
        const spool = new WatchedSpool(join(temporaryDirectory(), 's'), quota, 6_000);
        log.spoolTo(spool);
        const readings: Reading[] = [];
        let written = '';
        for (const step of list) {
          if (step.kind === 'append') {
            const data = lettersFrom(written.length, step.length);
            written += data;
            log.append(Buffer.from(data));
          } else if (step.kind === 'open' && readings.length < 4) {
            readings.push(new Reading(log));
          } else if (step.kind === 'read' && readings.length > 0) {
            const reading = readings[step.reader % readings.length]!;
            const unread = checkMarked(reading, written) < written.length;
            if (unread) await reading.answer(step.count);
          }
          // Now and then the disk lags behind.
          if (step.kind !== 'append' || step.length % 3 > 0) await spool.idle();
          for (const reading of readings) checkMarked(reading, written);
        }
        log.finish();
        for (const reading of readings) {
          await drain(reading);
          expect(checkMarked(reading, written)).toBe(written.length);
        }
        await spool.close();
      }),
      { numRuns: 25 },
    );
  });

  it('never makes the program wait for a reader', async () => {
    const log = new StreamLog(WINDOW);
    const spool = new WatchedSpool(join(temporaryDirectory(), 's'), 20_000, 5_000);
    log.spoolTo(spool);
    new LogFile(log);
    for (let round = 0; round < 30; round++) {
      log.append(Buffer.alloc(3_000));
      await spool.idle();
      expect(log.full).toBe(false);
    }
    expect(log.end - log.start).toBeLessThanOrEqual(20_000 + 2 * WINDOW);
    await spool.close();
  });

  it('tells a reader of one byte at a time of every byte that was dropped', async () => {
    const log = new StreamLog(100);
    const spool = new WatchedSpool(join(temporaryDirectory(), 's'), 100, 100);
    log.spoolTo(spool);
    const reading = new Reading(log);
    for (let round = 0; round < 10; round++) {
      log.append(Buffer.from(lettersFrom(round * 3_000, 3_000)));
      await spool.idle();
    }
    log.finish();
    for (let at = 0; at < 50; at++) await reading.answer(1);
    expect(reading.text).toMatch(/^\n\[xcpufs: 24000 bytes of output dropped\]\n[a-z]+$/);
    await spool.close();
  });

  it('tells a reader who comes late what he has missed', async () => {
    const log = new StreamLog(100);
    const spool = new WatchedSpool(join(temporaryDirectory(), 's'), 100, 100);
    log.spoolTo(spool);
    for (let round = 0; round < 10; round++) log.append(Buffer.alloc(3_000, 'x'));
    await spool.idle();
    log.finish();
    const reading = new Reading(log);
    await drain(reading);
    expect(checkMarked(reading, 'x'.repeat(30_000))).toBe(30_000);
    expect(reading.text).toMatch(MARKER);
    await spool.close();
  });

  it('answers readers of what went with the spool, and never spins', async () => {
    const log = new StreamLog(100);
    const spool = new WatchedSpool(join(temporaryDirectory(), 's'), 1e6);
    log.spoolTo(spool);
    const reading = new Reading(log);
    for (let round = 0; round < 3; round++) log.append(Buffer.alloc(3_000, 'x'));
    await spool.idle();
    await spool.close();
    log.finish();
    await drain(reading);
    expect(checkMarked(reading, 'x'.repeat(9_000))).toBe(9_000);
    expect(reading.text).toMatch(MARKER);
  });
});

describe('an open stdout', () => {
  it('answers reads in the order in which they came', async () => {
    const log = new StreamLog();
    const file = new LogFile(log);
    const answers = [1, 2, 3].map((count) => textOf(file.read(0, count, request())));
    log.append(Buffer.from('abcdef'));
    expect(await Promise.all(answers)).toEqual(['a', 'bc', 'def']);
  });

  it('consumes nothing for a read that is flushed', async () => {
    const log = new StreamLog();
    const file = new LogFile(log);
    const flushed = request();
    const first = file.read(0, 10, flushed);
    const second = textOf(file.read(0, 10, request()));
    flushed.abort();
    await expect(first).rejects.toThrow('flushed');
    log.append(Buffer.from('all of it'));
    expect(await second).toBe('all of it');
  });

  it('answers what waits with nothing at the end, and then at once', async () => {
    const log = new StreamLog();
    const file = new LogFile(log);
    const waiting = textOf(file.read(0, 10, request()));
    log.finish();
    expect(await waiting).toBe('');
    expect(await textOf(file.read(0, 10, request()))).toBe('');
  });

  it('waits while its connection has too much unread, and goes on when that drained', async () => {
    const log = new StreamLog();
    const file = new LogFile(log);
    const drains: (() => void)[] = [];
    const connection = { onDrain: (listener: () => void) => [drains.push(listener), () => {}][1] };
    const congested = request(undefined, connection) as TestRequest & { congested: boolean };
    congested.congested = true;
    log.append(Buffer.from('x'));
    let answered = false;
    const answer = Promise.resolve(file.read(0, 10, congested)).then(() => {
      answered = true;
    });
    await settled();
    expect(answered).toBe(false);
    congested.congested = false;
    for (const drain of drains) drain();
    await answer;
    expect(answered).toBe(true);
  });
});

/** A spool of which a test knows when it has written everything. */
class WatchedSpool extends Spool {
  #last: Promise<void> = Promise.resolve();

  override append(pieces: readonly Uint8Array[]): Promise<void> {
    this.#last = super.append(pieces);
    return this.#last;
  }

  async idle(): Promise<void> {
    for (let last: unknown; last !== this.#last; await settled()) {
      last = this.#last;
      await last;
    }
  }
}

/** The bytes of a stream, told from each other by where they are. */
function lettersFrom(offset: number, length: number): string {
  let text = '';
  for (let at = offset; at < offset + length; at++) {
    text += String.fromCharCode(97 + ((at * 7 + (at >> 5)) % 26));
  }
  return text;
}

/** Checks what a reader got against what was written; answers how far he got. */
function checkMarked({ start, text }: Reading, written: string): number {
  let at = start;
  let rest = text;
  for (let marker = MARKER.exec(rest); marker; marker = MARKER.exec(rest)) {
    at = checkPart(rest.slice(0, marker.index), at, written) + Number(marker[1]);
    rest = rest.slice(marker.index + marker[0].length);
  }
  const [part = ''] = rest.split('\n');
  return checkPart(part, at, written);
}

function checkPart(part: string, at: number, written: string): number {
  expect(part).toBe(written.slice(at, at + part.length));
  return at + part.length;
}

async function drain(reading: Reading): Promise<void> {
  for (let before = -1; before < reading.text.length; ) {
    before = reading.text.length;
    await reading.answer(4_000);
  }
}
