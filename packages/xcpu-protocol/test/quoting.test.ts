import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWords, parseWords, quoteWord, XcpuFormatError } from '../src/index.js';

/** Letters that matter to quoting, so that random texts are mostly hard ones. */
const hardText = fc.string({ unit: fc.constantFrom("'", ' ', '\t', '\n', 'a', 'é', '$') });

describe('quoteWord', () => {
  it.each([
    ['date', 'date'],
    ['', "''"],
    ["it's", "'it''s'"],
    ['a b', "'a b'"],
    ['a\tb', "'a\tb'"],
    ['a\nb', "'a\nb'"],
    ["'", "''''"],
    ['a\\"b', 'a\\"b'],
  ])('writes %j as %j', (word, text) => {
    expect(quoteWord(word)).toBe(text);
  });
});

describe('parseWords', () => {
  it.each([
    ['', []],
    [' \t\n ', []],
    [
      "/bin/sh -c 'echo out; echo err >&2; exit 3'",
      ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'],
    ],
    ["a  b\tc\nd ''", ['a', 'b', 'c', 'd', '']],
    ["'it''s' ''''", ["it's", "'"]],
    ["it's NAME='a b'", ["it's", "NAME='a", "b'"]],
    ["'a'b c", ['ab', 'c']],
    ["'a''b' 'c d'e'f g'", ["a'b", "c de'f", "g'"]],
    ["'two\nlines'", ['two\nlines']],
    ['\r\v\f', ['\r\v\f']],
  ])('reads %j', (text, words) => {
    expect(parseWords(text)).toEqual(words);
  });

  it.each(["'", "'a", "a 'b''", "'''"])('refuses the unterminated quote of %j', (text) => {
    expect(() => parseWords(text)).toThrow(new XcpuFormatError('unterminated quote'));
  });

  it('gives back what formatWords wrote', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hardText, fc.string({ unit: 'binary' })), { maxLength: 10 }),
        (words) => {
          expect(parseWords(formatWords(words))).toEqual(words);
        },
      ),
    );
  });

  it('agrees with a character by character reading', () => {
    fc.assert(
      fc.property(hardText, (text) => {
        expect(outcome(() => parseWords(text))).toEqual(outcome(() => naiveWords(text)));
      }),
      { numRuns: 1000 },
    );
  });
});

function outcome(run: () => string[]): string[] | string {
  try {
    return run();
  } catch {
    return 'refused';
  }
}

function naiveWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (quoted && c === "'" && text[at + 1] === "'") {
      word += c;
      at++;
    } else if (quoted && c === "'") {
      quoted = false;
    } else if (quoted) {
      word += c;
    } else if (c === "'" && word === undefined) {
      word = '';
      quoted = true;
    } else if (c === ' ' || c === '\t' || c === '\n') {
      if (word !== undefined) {
        words.push(word);
      }
      word = undefined;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quoted) {
    throw new Error('unterminated');
  }
  return word === undefined ? words : [...words, word];
}
