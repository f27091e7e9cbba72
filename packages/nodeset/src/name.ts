import { MAX_DIGITS } from './limits.js';
import { compareKeys, type DigitKey, keyOf } from './numbers.js';

/**
 * The text of one node taken apart at its numbers: `a1b02` is texts `a`, `b`, `` and keys of `1`, `02`.
 * There is one text more than keys. Names with equal texts belong to one pattern and fold into one another.
 */
export interface Name {
  readonly texts: readonly string[];
  readonly keys: readonly DigitKey[];
}

/** A stretch of the text of one or more nodes: plain text, digits, or brackets with what they hold. */
export interface Token {
  readonly kind: 'text' | 'digits' | 'brackets';
  readonly text: string;
  /** Offset in the text that was split, in UTF-16 units. */
  readonly position: number;
}

/**
 * Natural order of nodes: numbers compare as numbers (`n2` before `n10`), of equal numbers the shorter text comes first
 * (`n1`, `n01`, `n2`), everything else by code unit. For `sort`.
 */
export function compareNodes(a: string, b: string): number {
  return compareNames(splitName(a), splitName(b));
}

/** compareNodes for names that are taken apart already. */
export function compareNames(a: Name, b: Name): number {
  const shared = Math.min(a.keys.length, b.keys.length);
  for (let i = 0; i <= shared; i++) {
    const order = compareTexts(a.texts[i]!, b.texts[i]!);
    if (order !== 0) {
      return order;
    }
    if (i < shared) {
      const numeric = compareKeys(a.keys[i]!, b.keys[i]!);
      if (numeric !== 0) {
        return numeric;
      }
    }
  }
  return a.keys.length - b.keys.length;
}

/** Takes the text of one node apart. Any text is accepted; brackets are text here. */
export function splitName(node: string): Name {
  const texts: string[] = [];
  const keys: DigitKey[] = [];
  let text = '';
  for (const token of tokens(node)) {
    if (token.kind === 'digits') {
      texts.push(text);
      keys.push(keyOf(token.text));
      text = '';
    } else {
      text += token.text;
    }
  }
  texts.push(text);
  return { texts, keys };
}

/** What names of one pattern have in common, as a key for a Map. The texts of a node hold no NUL, so it is unambiguous. */
export function patternKey(texts: readonly string[]): string {
  return texts.join('\0');
}

/**
 * Splits the text of one or more nodes. A part between `@` and `!` that holds a colon is an IPv6 address: its digits
 * are hexadecimal and its brackets are not ranges, so it stays one text. So do digits too long to count with.
 */
export function* tokens(text: string): Generator<Token> {
  let position = 0;
  for (const part of text.includes(':') ? text.split(/([!@])/) : [text]) {
    if (part.includes(':')) {
      yield { kind: 'text', text: part, position };
    } else {
      for (const [match] of part.matchAll(/\d+|\[[^\]]*\]|[^\d[]+|\[/g)) {
        yield { kind: kindOf(match), text: match, position };
        position += match.length;
      }
      continue;
    }
    position += part.length;
  }
}

function compareTexts(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}

function kindOf(match: string): Token['kind'] {
  const first = match.charCodeAt(0);
  if (first >= 0x30 && first <= 0x39) {
    return match.length <= MAX_DIGITS ? 'digits' : 'text';
  }
  return match.length > 1 && match.startsWith('[') ? 'brackets' : 'text';
}
