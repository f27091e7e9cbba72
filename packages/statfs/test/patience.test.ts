import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { patience } from '../src/watch/patience.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('is over after its time', () => {
  const late = vi.fn();
  patience(1000, late);
  vi.advanceTimersByTime(999);
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(late).toHaveBeenCalledOnce();
});

it.each([100, 700])('ends when it is told to, after %i ms', (time) => {
  const late = vi.fn();
  const done = patience(1000, late);
  vi.advanceTimersByTime(time);
  done();
  vi.advanceTimersByTime(5000);
  expect(late).not.toHaveBeenCalled();
});
