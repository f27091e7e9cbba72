import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { ownSignal, untilAborted } from '../src/aborting.js';
import type { NodeConnection } from '../src/index.js';

describe('a signal for one node', () => {
  it('is aborted with that of the whole, which nobody listens to', () => {
    const whole = new AbortController();
    const signals = Array.from({ length: 20 }, () => ownSignal(whole.signal));
    const heard = vi.fn();
    for (const signal of signals) signal.addEventListener('abort', heard);
    expect(getEventListeners(whole.signal, 'abort')).toEqual([]);
    whole.abort('enough');
    expect(heard).toHaveBeenCalledTimes(20);
    expect(signals.map(({ reason }) => reason)).toEqual(Array(20).fill('enough'));
  });

  it('is aborted by nobody where there is none of the whole', () => {
    expect(ownSignal(undefined).aborted).toBe(false);
  });
});

describe('work with a node', () => {
  const connected = () => {
    const destroy = vi.fn();
    return { destroy, connection: { client: { destroy } } as unknown as NodeConnection };
  };

  it('answers, and leaves the connection to whoever aborts later', async () => {
    const { destroy, connection } = connected();
    const controller = new AbortController();
    expect(await untilAborted(controller.signal, connection, async () => 7)).toBe(7);
    controller.abort();
    expect(destroy).not.toHaveBeenCalled();
  });

  it('ends with the connection, and throws the reason', async () => {
    const { destroy, connection } = connected();
    const controller = new AbortController();
    const lost = new Promise<never>((_, reject) => {
      destroy.mockImplementation(() => reject(new Error('connection closed')));
    });
    const working = untilAborted(controller.signal, connection, () => lost);
    controller.abort(new Error('enough'));
    await expect(working).rejects.toThrow('enough');
  });

  it('is not begun after the abort', async () => {
    const work = vi.fn();
    const { connection } = connected();
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(untilAborted(aborted, connection, work)).rejects.toThrow('enough');
    expect(work).not.toHaveBeenCalled();
  });

  it('throws what it threw', async () => {
    const { connection } = connected();
    const failing = async () => {
      throw new Error('no');
    };
    const { signal } = new AbortController();
    await expect(untilAborted(signal, connection, failing)).rejects.toThrow('no');
  });
});
