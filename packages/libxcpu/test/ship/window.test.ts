import { expect, it } from 'vitest';
import { Window } from '../../src/ship/window.js';

it('lets in what fits, in order, and what never would when nothing else is in', async () => {
  const window = new Window(10);
  const entered: string[] = [];
  const enter = (name: string, bytes: number) =>
    void window.take(bytes).then(() => entered.push(name));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  enter('a', 6);
  enter('b', 5);
  enter('c', 1);
  enter('d', 20);
  enter('e', 10);
  await settled();
  expect(entered).toEqual(['a']);
  window.give(6);
  await settled();
  expect(entered).toEqual(['a', 'b', 'c']);
  window.give(5);
  await settled();
  expect(entered).toHaveLength(3);
  window.give(1);
  await settled();
  expect(entered.at(-1)).toBe('d');
  window.give(20);
  await settled();
  expect(entered.at(-1)).toBe('e');
});
