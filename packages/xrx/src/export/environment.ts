import type { EnvironmentEntry } from '@xcpu/xcpu-protocol';

/** How the user reads and writes: these mean the same on every machine. */
const ANYWHERE: ReadonlySet<string> = new Set([
  'LANG',
  'LANGUAGE',
  'TZ',
  'TERM',
  'COLORTERM',
  'NO_COLOR',
  'COLUMNS',
  'LINES',
  'EDITOR',
  'VISUAL',
  'PAGER',
]);

/** Where the user's programs, libraries and settings are: that means something where his own tree is seen. */
const IN_OWN_TREE: ReadonlySet<string> = new Set([
  'HOME',
  'SHELL',
  'PATH',
  'LD_LIBRARY_PATH',
  'MANPATH',
  'INFOPATH',
  'PYTHONPATH',
  'PERL5LIB',
  'VIRTUAL_ENV',
  'CONDA_PREFIX',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_CACHE_HOME',
]);

const LOCALE = /^LC_[A-Z]+$/;

/** The longest value that travels, in characters: nobody's PATH is longer. */
const MAX_VALUE = 32 * 1024;

/** How the node's launcher is told the umask, in octal; the program sees it too. */
export const UMASK_VARIABLE = 'XCPU_UMASK';

/**
 * The variables of xrx's that the programs get: the locale, time zone and terminal; in the user's own tree his paths as
 * well; and the umask as XCPU_UMASK. Nothing else travels, so no secret does, and no SSH_AUTH_SOCK. A value that is not
 * text is left out.
 *
 * @param ownTree whether the programs see the user's tree as theirs
 * @param umask as umask(2) has it; the process's own by default
 */
export function travellingEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  ownTree: boolean,
  umask: number = process.umask(),
): EnvironmentEntry[] {
  const entries: EnvironmentEntry[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !travels(name, ownTree)) continue;
    // Node.js puts U+FFFD in place of bytes that are no text.
    if (value.length > MAX_VALUE || value.includes('\ufffd') || value.includes('\0')) continue;
    entries.push([name, value]);
  }
  entries.push([UMASK_VARIABLE, umask.toString(8).padStart(4, '0')]);
  return entries;
}

function travels(name: string, ownTree: boolean): boolean {
  return ANYWHERE.has(name) || LOCALE.test(name) || (ownTree && IN_OWN_TREE.has(name));
}
