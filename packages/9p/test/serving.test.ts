import { expect, it } from 'vitest';
import { linesOf } from '../src/lines.js';
import { formatEvent } from '../src/log.js';
import { bytesOf, msizeOf, permissionsOf } from '../src/option-values.js';
import { hintsFor, isPrivate } from '../src/serving.js';

it.each([
  ['127.0.0.1!5640', true],
  ['127.8.8.8!5640', true],
  ['::1!5640', true],
  ['unix!/run/files', true],
  ['0.0.0.0!5640', false],
  ['::!5640', false],
  ['10.0.0.8!564', false],
])('%s is for this machine only: %s', (address, expected) => {
  expect(isPrivate(address)).toBe(expected);
});

it('tells how to look into what is served, and how to mount it', () => {
  expect(hintsFor('127.0.0.1!5640')).toBe(
    "9p ls -l 'tcp!127.0.0.1!5640'\n" +
      'mount -t 9p -o trans=tcp,port=5640,version=9p2000.L,access=user 127.0.0.1 /mnt\n',
  );
  expect(hintsFor('0.0.0.0!564')).toContain('access=user 127.0.0.1 /mnt');
  expect(hintsFor("unix!/it's")).toBe(
    "9p ls -l 'unix!/it'\\''s'\n" +
      "mount -t 9p -o trans=unix,version=9p2000.L,access=user '/it'\\''s' /mnt\n",
  );
});

it('keeps what a peer says on its line of the log', () => {
  const time = new Date(0);
  const fields = { user: 'a b\n\x9b', client: '127.0.0.1!1', reason: undefined };
  expect(formatEvent(time, 'attach', fields)).toBe(
    '1970-01-01T00:00:00.000Z attach user="a b\\n\\u009b" client=127.0.0.1!1\n',
  );
});

it('cuts bytes behind each newline', async () => {
  const pieces = ['a\nb', '', 'c\n\n', 'd'].map((text) => Buffer.from(text));
  async function* source() {
    yield* pieces;
  }
  const lines: string[] = [];
  for await (const line of linesOf(source())) lines.push(String(line));
  expect(lines).toEqual(['a\n', 'bc\n', '\n', 'd']);
});

it('reads the values of options', () => {
  expect([msizeOf('4096'), permissionsOf('MODE', '1755'), bytesOf('-c', '12')]).toEqual([
    4096, 0o1755, 12,
  ]);
  expect(bytesOf('-c', undefined)).toBeUndefined();
  for (const text of ['4095', '67108865', '-1', 'x', '']) {
    expect(() => msizeOf(text)).toThrow('not between');
  }
  for (const text of ['8', '77777', 'rwx', '']) {
    expect(() => permissionsOf('MODE', text)).toThrow('octal');
  }
  for (const text of ['-1', '1.5', '']) expect(() => bytesOf('-c', text)).toThrow('bytes');
});
