import { XcpuFormatError } from './errors.js';

/**
 * One word as it is written into ctl, argv, env and ns files: as it is when that is unambiguous,
 * else in single quotes with a quote doubled (`it's` becomes `'it''s'`), the empty word as `''`.
 */
export function quoteWord(word: string): string {
  return word === '' || /[ \t\n']/.test(word) ? `'${word.replaceAll("'", "''")}'` : word;
}

/** The words quoted where needed and parted by one blank; `parseWords` gives them back. */
export function formatWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/**
 * The words of a text, Plan 9 style. Words part at blanks, tabs and newlines. A quote counts only as
 * the first character of a word: it then reaches to the next single quote, `''` standing for one
 * quote, and may enclose blanks and newlines. What follows the closing quote without a blank belongs
 * to the same word.
 *
 * @param comment a character that, unquoted at the start of a word, makes a comment of the rest
 * @throws XcpuFormatError "unterminated quote"
 */
export function parseWords(text: string, comment?: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    at = skip(text, at, isSeparator);
    if (at >= text.length || text[at] === comment) {
      return words;
    }
    let word = '';
    if (text[at] === "'") {
      const end = closingQuote(text, at + 1);
      word = text.slice(at + 1, end).replaceAll("''", "'");
      at = end + 1;
    }
    const end = skip(text, at, (code) => !isSeparator(code));
    words.push(word + text.slice(at, end));
    at = end;
  }
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf("'", from); at !== -1; at = text.indexOf("'", at + 2)) {
    if (text[at + 1] !== "'") {
      return at;
    }
  }
  throw new XcpuFormatError('unterminated quote');
}

function skip(text: string, at: number, wanted: (code: number) => boolean): number {
  while (at < text.length && wanted(text.charCodeAt(at))) {
    at++;
  }
  return at;
}

function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a;
}
