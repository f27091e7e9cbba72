import { readdirSync } from 'node:fs';
import { posix } from 'node:path';

/** What one character of a name has to be, or any number of whatever characters. */
type Part = '*' | ((character: string) => boolean);

/** The pattern that matches that text and no other. */
export function literally(text: string): string {
  return text.replace(/[\\*?[]/g, '\\$&');
}

/**
 * The paths that match a pattern of glob(7), at most `most`. Where no name of a path is a pattern it is found whether it
 * is there or not. Node.js has one of its own from 22 on.
 * @param pattern an absolute path; else nothing is found
 */
export function glob(pattern: string, most: number): string[] {
  let found = pattern.startsWith('/') ? ['/'] : [];
  for (const name of pattern.split('/')) {
    if (name === '') continue;
    const wanted = name.replace(/\\(.)/gs, '$1');
    const plain = !/[*?[]/.test(name.replace(/\\./gs, ''));
    const parts = plain ? [] : partsOf(name);
    const names = plain
      ? () => [wanted]
      : (path: string) => listed(path).filter((entry) => matches(entry, parts));
    found = found
      .flatMap((path) => names(path).map((entry) => posix.join(path, entry)))
      .slice(0, most);
  }
  return found;
}

/** Without going back further than to the last `*`: patterns may be anybody's. */
function matches(name: string, parts: readonly Part[]): boolean {
  const characters = [...name];
  const shown = parts[0];
  if (characters[0] === '.' && (shown === '*' || !shown?.('.') || shown('a'))) return false;
  let at = 0;
  let part = 0;
  let star: { readonly part: number; at: number } | undefined;
  while (at < characters.length) {
    const wanted = parts[part];
    if (wanted === '*') {
      star = { part: ++part, at };
    } else if (wanted?.(characters[at]!)) {
      at++;
      part++;
    } else if (star) {
      at = ++star.at;
      part = star.part;
    } else {
      return false;
    }
  }
  return parts.slice(part).every((rest) => rest === '*');
}

const BRACKETS = /^\[([!^]?)(\]?[^\]]*)\]/s;

function partsOf(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let rest = pattern; rest !== ''; ) {
    const brackets = BRACKETS.exec(rest);
    let taken = 1;
    if (rest[0] === '*') {
      parts.push('*');
    } else if (rest[0] === '?') {
      parts.push(() => true);
    } else if (brackets) {
      const [whole, not, members = ''] = brackets;
      parts.push((character) => isAmong(character, members) === (not === ''));
      taken = whole.length;
    } else {
      const [escaped, wanted] = /^\\(.)/su.exec(rest) ?? [];
      const literal = wanted ?? [...rest][0]!;
      parts.push((character) => character === literal);
      taken = escaped?.length ?? literal.length;
    }
    rest = rest.slice(taken);
  }
  return parts;
}

/** @param members characters, and ranges of them: `a-z_` */
function isAmong(character: string, members: string): boolean {
  const list = [...members];
  for (let at = 0; at < list.length; at++) {
    const first = list[at]!;
    const range = list[at + 1] === '-' && at + 2 < list.length;
    const last = range ? list[at + 2]! : first;
    if (range) at += 2;
    if (first <= character && character <= last) return true;
  }
  return false;
}

function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
