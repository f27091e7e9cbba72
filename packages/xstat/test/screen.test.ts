import { expect, it } from 'vitest';
import { screenText } from '../src/screen.js';

/** Without what moves the cursor and clears. */
const plain = (text: string) => text.replace(/\x1b\[\w/g, '');

it('begins at the top and clears what was there before', () => {
  expect(screenText('a\nb\n', 24, 80)).toBe('\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J');
});

it('cuts lines that are too long', () => {
  expect(plain(screenText('abcdef\n', 24, 3))).toBe('abc\n');
});

it('keeps the summary where there are too many lines', () => {
  const text = Array.from({ length: 10 }, (_, index) => `${index}\n`).join('');
  expect(plain(screenText(text, 6, 80))).toBe('0\n1\n2\n(6 lines more)\n9\n');
  expect(plain(screenText(text, 11, 80))).toBe(text);
  expect(plain(screenText(text, 1, 80))).toBe('0\n(8 lines more)\n9\n');
});

it('shows all where the terminal tells no size', () => {
  const lines = ['one', 'two', 'three', 'four', 'five'];
  expect(screenText(`${lines.join('\n')}\n`, 0, 0)).toBe(
    `\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`,
  );
});
