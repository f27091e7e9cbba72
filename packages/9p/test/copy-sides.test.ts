import { UsageError } from '@xcpu/libxcpu';
import { expect, it } from 'vitest';
import { parseSides } from '../src/copy-sides.js';

it.each([
  [['n8:/a', '.'], undefined, 'out', 'n8', ['/a'], '.'],
  [['tcp!fs!564:/a', 'tcp!fs!564:/b', 'd'], undefined, 'out', 'tcp!fs!564', ['/a', '/b'], 'd'],
  [['unix!/run/s:/a', 'x'], undefined, 'out', 'unix!/run/s', ['/a'], 'x'],
  [['[::1]:564:/', 'x'], undefined, 'out', '[::1]:564', ['/'], 'x'],
  [['a', './b:/c', 'n8:/d'], undefined, 'in', 'n8', ['a', './b:/c'], '/d'],
  [['a', ':/d'], 'n8', 'in', 'n8', ['a'], '/d'],
  [[':/d', '/a:/b'], 'n8', 'out', 'n8', ['/d'], '/a:/b'],
])('%j with -a %s', (operands, address, direction, to, sources, target) => {
  expect(parseSides(operands, address)).toEqual({ direction, address: to, sources, target });
});

it.each([
  [[], 'operands are missing'],
  [['n8:/a'], 'operands are missing'],
  [['a', 'b'], 'nothing is on a server'],
  [['/run/s:/a', 'b'], 'nothing is on a server'],
  [['n8:/a', 'n9:/b'], 'both sides'],
  [['n8:/a', 'b', 'c'], 'on one server'],
  [['fs:564:/a', 'fs:565:/b', 'c'], 'on one server'],
  [[':/a', 'b'], 'an address is missing'],
])('%j: %s', (operands, text) => {
  const parse = () => parseSides(operands, undefined);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(text);
});
