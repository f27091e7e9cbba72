import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputLog, type InputReader } from '../../src/job/input-log.js';

async function readAll(reader: InputReader, most = 1000): Promise<string> {
  let text = '';
  for (let data = await reader.next(most); data; data = await reader.next(most)) {
    text += Buffer.from(data).toString('latin1');
  }
  return text;
}

/** Whether a promise is settled once everything that can happen has. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  return settled;
}

describe('InputLog', () => {
  it('gives every reader everything, whatever its pace and wherever it was kept', async () => {
    const pieces = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), {
      maxLength: 30,
    });
    const paces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(pieces, paces, async (texts, counts) => {
        const log = new InputLog({ memory: 64, ahead: 32 });
        const read = Promise.all(
          counts.map(async (most, index) => {
            const reader = log.reader();
            // The later ones begin when the first is far ahead.
            if (index > 0) await new Promise((resolve) => setTimeout(resolve, index));
            return readAll(reader, most);
          }),
        );
        for (const text of texts) await log.append(Buffer.from(text, 'latin1'));
        log.end();
        expect(await read).toEqual(counts.map(() => texts.join('')));
        await log.close();
      }),
      { numRuns: 40 },
    );
  });

  it('runs ahead of the fastest reader by a bounded amount only', async () => {
    const log = new InputLog({ ahead: 100 });
    const reader = log.reader();
    const appended = log.append(Buffer.alloc(101));
    expect(await isSettled(appended)).toBe(false);
    await reader.next(1);
    expect(await appended).toBe(true);
    await log.close();
  });

  it('keeps what slow readers lack on disk, and forgets what all have', async () => {
    const log = new InputLog({ memory: 1000, ahead: 1000 });
    const [fast, slow] = [log.reader(), log.reader()];
    const sent = Array.from({ length: 50 }, (_, n) => String(n % 10).repeat(200));
    for (const text of sent) {
      await log.append(Buffer.from(text));
      await fast.next(1000);
    }
    expect(log.held.memory).toBeLessThanOrEqual(1000);
    expect(log.held.disk).toBeGreaterThan(8000);
    log.end();
    expect(await readAll(slow, 333)).toBe(sent.join(''));
    await log.close();
  });

  it('uses the file again once all have read it', async () => {
    const log = new InputLog({ memory: 100, ahead: 1000 });
    const [fast, slow] = [log.reader(), log.reader()];
    for (let round = 0; round < 5; round++) {
      const sent = Array.from({ length: 10 }, (_, n) => `${round}${n}`.repeat(30));
      for (const text of sent) {
        await log.append(Buffer.from(text));
        await fast.next(1000);
      }
      let read = '';
      while (read.length < 600) read += Buffer.from((await slow.next(1000))!).toString();
      expect(read).toBe(sent.join(''));
      expect(log.held.disk).toBeLessThanOrEqual(600);
    }
    await log.close();
  });

  it('waits for the slowest where the disk is full, losing nothing', async () => {
    const log = new InputLog({ memory: 100, disk: 0, ahead: 1000 });
    const [fast, slow] = [log.reader(), log.reader()];
    await log.append(Buffer.alloc(60));
    await fast.next(1000);
    const appended = log.append(Buffer.alloc(60));
    await fast.next(1000);
    expect(await isSettled(appended)).toBe(false);
    await slow.next(1000);
    expect(await appended).toBe(true);
    await log.close();
  });

  it('tells the source when nobody reads any more', async () => {
    const log = new InputLog({ ahead: 10 });
    const reader = log.reader();
    const appended = log.append(Buffer.alloc(100));
    reader.close();
    expect(await appended).toBe(false);
    expect(await reader.next(10)).toBeUndefined();
    await log.close();
  });

  it('ends readers that wait when it is closed', async () => {
    const log = new InputLog();
    const waiting = log.reader().next(10);
    await log.close();
    expect(await waiting).toBeUndefined();
  });
});
