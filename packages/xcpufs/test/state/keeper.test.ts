import { Log } from '@xcpu/daemon';
import { describe, expect, it } from 'vitest';
import { Keeper } from '../../src/state/keeper.js';
import { settled } from '../support.js';

describe('saving', () => {
  it('does nothing while nothing changed', async () => {
    const { keeper, saves } = setUp();
    expect(keeper.saved()).toBeUndefined();
    await settled();
    expect(saves).toEqual([]);
  });

  it('is done once for all that changed in one turn, and answers all of them', async () => {
    const { keeper, saves, change, finish } = setUp();
    const answers = [];
    for (let each = 0; each < 1000; each++) {
      change();
      answers.push(keeper.saved());
    }
    await settled();
    expect(saves).toEqual(['1000']);
    finish();
    await Promise.all(answers);
    expect(keeper.saved()).toBeUndefined();
  });

  it('of what came during a save is done by one more, and not answered before', async () => {
    const { keeper, saves, change, finish } = setUp();
    change();
    const first = keeper.saved();
    await settled();
    const answered: number[] = [];
    const later = [2, 3].map((number) => {
      change();
      return Promise.resolve(keeper.saved()).then(() => answered.push(number));
    });
    await settled();
    expect(saves).toEqual(['1']);
    finish();
    await first;
    await settled();
    expect(saves).toEqual(['1', '3']);
    expect(answered).toEqual([]);
    finish();
    await Promise.all(later);
  });

  it('waits for the save that holds the change already', async () => {
    const { keeper, saves, change, finish } = setUp();
    change();
    const first = keeper.saved();
    await settled();
    const again = keeper.saved();
    finish();
    await Promise.all([first, again]);
    await settled();
    expect(saves).toEqual(['1']);
  });

  it('that fails is told to all who wait and to the log, and done by the next change', async () => {
    const { keeper, saves, change, finish, logged } = setUp();
    change();
    const answers = [keeper.saved(), keeper.saved()];
    await settled();
    finish('ENOSPC');
    for (const answer of answers) {
      await expect(answer).rejects.toMatchObject({
        ename: 'done, but not saved: /s/state: no space left on device',
        errno: 28,
      });
    }
    expect(logged()).toMatch(
      / state not saved file=\/s\/state reason="no space left on device"\n$/,
    );
    const next = keeper.saved();
    await settled();
    finish();
    await next;
    expect(saves).toEqual(['1', '1']);
    expect(logged()).toMatch(/ state saved again file=\/s\/state\n$/);
  });

  it('is tried again after a while', async () => {
    const { keeper, saves, change, finish } = setUp({ retryMs: 1 });
    change();
    const failing = keeper.saved();
    await settled();
    finish('EIO');
    await expect(failing).rejects.toThrow('not saved');
    while (saves.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    finish();
    await settled();
    expect(keeper.saved()).toBeUndefined();
  });

  it('comes before the end, and what fails then does not stop it', async () => {
    const { keeper, saves, change, finish, closed } = setUp();
    change();
    const closing = keeper.close();
    await settled();
    expect([saves, closed()]).toEqual([['1'], false]);
    finish('EIO');
    await closing;
    expect(closed()).toBe(true);
  });

  it("is over with the end: the directory may be another daemon's then", async () => {
    const { keeper, saves, change, finish, closed } = setUp();
    change();
    const closing = keeper.close();
    await settled();
    change();
    void keeper.saved();
    finish();
    await settled();
    expect([saves, closed()]).toEqual([['1', '2'], false]);
    finish();
    await closing;
    change();
    expect(keeper.saved()).toBeUndefined();
    await settled();
    expect(saves).toEqual(['1', '2']);
  });
});

function setUp({ retryMs = 60_000 } = {}) {
  let version = 0;
  let closed = false;
  let text = '';
  const saves: string[] = [];
  const waiting: ((code?: 'ENOSPC' | 'EIO') => void)[] = [];
  const directory = {
    file: '/s/state',
    save: (bytes: Uint8Array) => {
      saves.push(Buffer.from(bytes).toString());
      return new Promise<void>((resolve, reject) => {
        const errno = { ENOSPC: -28, EIO: -5 };
        waiting.push((code) =>
          code ? reject(Object.assign(new Error(), { errno: errno[code] })) : resolve(),
        );
      });
    },
    close: () => {
      closed = true;
    },
  };
  const keeper = new Keeper({
    directory,
    version: () => String(version),
    snapshot: () => Buffer.from(String(version)),
    log: new Log(false, (line) => {
      text += line;
    }),
    retryMs,
  });
  return {
    keeper,
    saves,
    change: () => version++,
    finish: (code?: 'ENOSPC' | 'EIO') => waiting.shift()!(code),
    logged: () => text,
    closed: () => closed,
  };
}
