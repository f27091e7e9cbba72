import type { CopyProgress } from '@xcpu/9p-protocol/client';
import { expect, it } from 'vitest';
import { Progress } from '../src/progress.js';

function watched(shown = true) {
  const printed: string[] = [];
  const clock = { now: 0 };
  const progress = new Progress(
    shown,
    (text) => printed.push(text),
    () => clock.now,
  );
  const note = (now: number, event: Partial<CopyProgress>) => {
    clock.now = now;
    progress.note({ path: '/f', kind: 'file', bytes: 0, done: false, skipped: false, ...event });
  };
  return { printed, progress, note };
}

it('shows a copy that takes longer than a second, five times a second', () => {
  const { printed, progress, note } = watched();
  note(500, { bytes: 1024 });
  note(999, { bytes: 2048 });
  expect(printed).toEqual([]);
  note(1024, { bytes: 1024 * 1024 });
  note(1100, { bytes: 2 * 1024 * 1024 });
  expect(printed).toEqual(['\r\x1b[K1.0 MiB 1.0 MiB/s 0 files /f']);
  note(2048, { bytes: 4 * 1024 * 1024, done: true });
  expect(printed.at(-1)).toBe('\r\x1b[K4.0 MiB 2.0 MiB/s 1 files /f');
  progress.end();
  progress.end();
  expect(printed.slice(2)).toEqual(['\r\x1b[K']);
});

it('adds up files that are copied at the same time, and keeps names from driving the terminal', () => {
  const { printed, note } = watched();
  note(0, { path: '/a', bytes: 100 });
  note(0, { path: '/b', bytes: 200 });
  note(0, { path: '/d', kind: 'directory', done: true });
  note(0, { path: '/a', bytes: 300, done: true });
  note(1000, { path: `/${'x'.repeat(60)}\x1b`, bytes: 0 });
  expect(printed).toEqual([`\r\x1b[K500 B 500 B/s 1 files …${'x'.repeat(39)}\\x1b`]);
});

it('shows nothing where there is no terminal', () => {
  const { printed, progress, note } = watched(false);
  note(5000, { bytes: 1 });
  progress.end();
  expect(printed).toEqual([]);
});
