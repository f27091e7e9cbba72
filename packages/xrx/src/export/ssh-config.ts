import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { glob, literally } from './glob.js';

/** Files that are included by included files: as deep as ssh goes. */
const MAX_DEPTH = 16;
/** Files that one configuration is made of; and bytes of each: beyond what anybody writes by hand. */
const MAX_FILES = 256;
const MAX_BYTES = 1024 * 1024;
/** Keys that one configuration names. */
const MAX_KEYS = 1000;

/** For whom a configuration is read. */
export interface SshUser {
  readonly home: string;
  readonly name?: string | undefined;
  readonly uid?: number | undefined;
  /** Where he calls ssh, for keys with relative names, which are left out if it is not known. */
  readonly cwd?: string | undefined;
  /** What `${NAME}` stands for; anything, if it is not known. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where another user is at home, for `~NAME`. */
  readonly homeOf?: ((name: string) => string | undefined) | undefined;
}

/** A line of a configuration. */
export interface SshDirective {
  /** In small letters. */
  readonly keyword: string;
  readonly words: readonly string[];
}

/**
 * The keys and certificates that a configuration of ssh names (IdentityFile, CertificateFile), whatever host or match
 * they are for, with those of the files that it includes: absolute paths, there or not. Tokens that depend on the host
 * (`%h`) stand for every name that is there. See ssh_config(5).
 * @param file the configuration; what it includes is looked for in its directory
 */
export function sshKeyFiles(file: string, user: SshUser): string[] {
  const directory = posix.dirname(file);
  const keys = new Set<string>();
  const seen = new Set<string>();
  const read = (path: string, depth: number) => {
    if (depth > MAX_DEPTH || seen.has(path) || seen.size >= MAX_FILES) return;
    seen.add(path);
    for (const { keyword, words } of parseSshConfig(textOf(path))) {
      if (keyword === 'include') {
        for (const word of words) {
          const pattern = expanded(word, user, (text) => text);
          if (pattern === undefined) continue;
          for (const path of glob(from(directory, pattern), MAX_FILES)) read(path, depth + 1);
        }
      } else if (keyword === 'identityfile' || keyword === 'certificatefile') {
        const [word] = words;
        if (word === undefined || word.toLowerCase() === 'none') continue;
        const pattern = expanded(word, user, literally);
        const found = pattern === undefined ? [] : glob(from(user.cwd, pattern), MAX_KEYS);
        for (const path of found) if (keys.size < MAX_KEYS) keys.add(path);
      }
    }
  };
  read(file, 0);
  return [...keys];
}

/** A pattern from `/` on; none if it is a relative one, and nobody knows from where. */
function from(directory: string | undefined, pattern: string): string {
  if (pattern.startsWith('/')) return posix.normalize(pattern);
  return directory === undefined ? '' : posix.join(literally(directory), pattern);
}

/** The lines of a configuration, without what is empty or a comment. */
export function parseSshConfig(text: string): SshDirective[] {
  return text.split('\n').flatMap((line) => {
    const [, quoted, plain, rest = ''] = LINE.exec(line.trim()) ?? [];
    const keyword = quoted ?? plain;
    return keyword ? { keyword: keyword.toLowerCase(), words: wordsOf(rest) } : [];
  });
}

/** A keyword; blanks, or an equals sign and blanks around it; words. */
const LINE = /^(?:"([^"]*)"|([^\s="#][^\s="]*))(?:\s*=\s*|\s+|(?="))(.*)$/s;

/** Words in either kind of quotes or none; a backslash takes quotes, blanks and itself along. A `#` ends the line. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    const next = text[at + 1];
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === '' && word === undefined && character === '#') {
      return words;
    } else if (character === '\\' && next && (`'"\\`.includes(next) || (!quote && next === ' '))) {
      word = (word ?? '') + next;
      at++;
    } else if (character === quote) {
      quote = '';
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/**
 * What is named, as a pattern; undefined if that is nothing.
 * @param own what to make of the text between that is expanded
 */
function expanded(text: string, user: SshUser, own: (text: string) => string): string | undefined {
  const [, tilde, name = ''] = /^(~([^/]*))/.exec(text) ?? [];
  const home = name === '' ? user.home : user.homeOf?.(name);
  if (tilde !== undefined && home === undefined) return undefined;
  let pattern = tilde === undefined ? '' : literally(home!);
  let end = tilde?.length ?? 0;
  for (const match of text.matchAll(/%(.)|\$\{([^}]*)\}/gs)) {
    const [whole, token, variable] = match;
    if (match.index < end) continue;
    pattern += own(text.slice(end, match.index));
    end = match.index + whole.length;
    const value = token === undefined ? variableOf(user, variable!) : meaningOf(user, token);
    if (value === undefined) return undefined;
    pattern += value;
  }
  return pattern + own(text.slice(end));
}

const ANYTHING = '*';

/** A variable that is not set names nothing: ssh gives up. */
function variableOf({ env }: SshUser, variable: string): string | undefined {
  if (!env) return ANYTHING;
  const value = env[variable];
  return value === undefined ? undefined : literally(value);
}

function meaningOf({ home, name, uid }: SshUser, token: string): string {
  const known = { '%': '%', d: home, u: name, i: uid === undefined ? undefined : String(uid) };
  const meaning = Object.hasOwn(known, token) ? known[token as keyof typeof known] : undefined;
  return meaning === undefined ? ANYTHING : literally(meaning);
}

/** The text of a regular file; empty if it cannot be read. */
function textOf(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : '';
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
