import { expect, it } from 'vitest';
import { sizeText } from '../../src/cli/size-text.js';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [150 * 1024, '150 KiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
  [5000 * 1024 ** 4, '5000 TiB'],
])('writes %i bytes as %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
