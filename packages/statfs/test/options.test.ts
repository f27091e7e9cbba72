import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseOptions } from '../src/options.js';

let stderr = '';
beforeEach(() => {
  stderr = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterEach(() => vi.restoreAllMocks());

function options(...argv: string[]) {
  const parsed = parseOptions(argv, '1.0');
  return 'options' in parsed ? parsed.options : undefined;
}

it('has the numbers of old for what is left out', () => {
  expect(options()).toEqual({
    ...{ config: undefined, port: 20003, listen: undefined, interval: 5000 },
    ...{ adminKey: undefined, http: undefined, debug: false, logJson: false },
  });
});

it('takes all of its options', () => {
  const words = '-c nodes -p 1 --listen 127.0.0.1 --interval .5 -A key -d --log-json --http 9420';
  expect(options(...words.split(' '))).toEqual({
    ...{ config: 'nodes', port: 1, listen: '127.0.0.1', interval: 500, adminKey: 'key' },
    ...{ http: { host: '127.0.0.1', port: 9420 }, debug: true, logJson: true },
  });
});

it.each([
  ['9420', { host: undefined, port: 9420 }],
  ['127.0.0.1:9420', { host: '127.0.0.1', port: 9420 }],
  ['head:0', { host: 'head', port: 0 }],
  ['[::1]:9420', { host: '::1', port: 9420 }],
])('serves HTTP at %s', (text, place) => {
  expect(options('--http', text)?.http).toEqual(place);
});

it.each([
  ['--http', '::1:9420'],
  ['--http', 'head'],
  ['--http', '127.0.0.1:99999'],
  ['--interval', '0'],
  ['--interval', '1e3'],
  ['--interval', '99999'],
  ['-p', '65536'],
  ['--frobnicate', ''],
])('refuses %s %s', (...argv) => {
  expect(parseOptions(argv, '1.0')).toEqual({ exitCode: 2 });
  expect(stderr).toMatch(/^statfs: /);
});

it.each(['-h', '-V'])('answers %s', (option) => {
  expect(parseOptions([option], '1.0')).toEqual({ exitCode: 0 });
});
