import { bytesToName } from '@xcpu/9p-protocol';
import { expect, it } from 'vitest';
import { exactArguments } from '../src/arguments.js';
import { below, escaped, lastName } from '../src/names.js';

it.each([
  ['plain ä 文 🙂', 'plain ä 文 🙂'],
  ['a\x1b[2J\n\x7f\x9b', 'a\\x1b[2J\\x0a\\x7f\\x9b'],
  ['\u202eexe.txt', '\\u{202e}exe.txt'],
  ['a\u2028b', 'a\\u{2028}b'],
  [bytesToName(Buffer.from([0x63, 0xe9])), 'c\\xe9'],
  ['\ud83d', '\\u{d83d}'],
])('shows %j on a terminal as %j', (name, shown) => {
  expect(escaped(name)).toBe(shown);
});

it.each([
  ['/a/b/../c/', 'c'],
  ['a', 'a'],
  ['/', ''],
  ['.', ''],
  ['a/..', ''],
  ['../../x', 'x'],
])('the last name of %s is %j', (path, name) => {
  expect(lastName(path)).toBe(name);
});

it('puts a name behind a directory', () => {
  expect([below('/', 'a'), below('d', 'a'), below('d/', 'a')]).toEqual(['/a', 'd/a', 'd/a']);
});

it('takes the bytes of arguments that are not UTF-8 from where they are told', () => {
  const line = Buffer.from('node\x009p\x00rm\x00n8\x00caf\xe9\x00', 'latin1');
  expect(exactArguments(['rm', 'n8', 'caf\ufffd'], () => line)).toEqual(['rm', 'n8', 'caf\udce9']);
});

it('leaves arguments alone that are UTF-8, or whose bytes nobody tells', () => {
  const never = () => {
    throw new Error('no such file');
  };
  expect(exactArguments(['é'], never)).toEqual(['é']);
  expect(exactArguments(['\ufffd'], never)).toEqual(['\ufffd']);
  expect(exactArguments(['a', '\ufffd'], () => Buffer.from('x\0'))).toEqual(['a', '\ufffd']);
});
