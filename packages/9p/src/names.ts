/** The last name of a path, `.` and `..` worked in: `c` for `/a/b/../c/`; empty for the root. */
export function lastName(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.at(-1) ?? '';
}

/** A path with one more name. */
export function below(directory: string, name: string): string {
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/**
 * A name as a terminal may be shown it: what it would obey, what reorders text, and bytes that are not UTF-8 are
 * written as escapes.
 */
export function escaped(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\u2028\u2029\ud800-\udfff]/gu, (character) => {
    const code = character.codePointAt(0)!;
    // A byte that is no part of UTF-8: see bytesToName.
    if (code >= 0xdc80 && code <= 0xdcff) return hex(code & 0xff);
    return code <= 0xff ? hex(code) : `\\u{${code.toString(16)}}`;
  });
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
