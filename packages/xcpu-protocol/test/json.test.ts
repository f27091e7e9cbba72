import { expect, it } from 'vitest';
import { formatJson, show } from '../src/index.js';

const HOSTILE = '\x1b[2J\x7f\u009b31m\u202e\u2028\u{e0001}é✓';

it('holds nothing that a terminal takes for a command, and says the same', () => {
  const text = formatJson([{ name: HOSTILE }]);
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(text).toContain('é✓');
  expect(JSON.parse(text)).toEqual([{ name: HOSTILE }]);
});

it('is what foreign text in errors is made fit by', () => {
  expect(show(HOSTILE)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});
