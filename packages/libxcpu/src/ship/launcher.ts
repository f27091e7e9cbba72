/** One word of a command: text, or paths in the session's `fs/`, joined by colons. */
export type Word = { readonly text: string } | { readonly paths: readonly string[] };

/**
 * The script that starts what was shipped, wherever on the node `fs/` is: the kernel passes the script's own path on as
 * `$0`. It sets no variable, since the program's environment may have one of that name.
 *
 * @param command its arguments are appended
 */
export function launcherScript(command: readonly Word[]): string {
  return `#!/bin/sh\nexec ${command.map(shellWord).join(' ')} "$@"\n`;
}

function shellWord(word: Word): string {
  if ('text' in word) return quoted(word.text);
  return word.paths
    .map(
      (path, index) => `"\${0%/*}"${quoted(`/${path}${index < word.paths.length - 1 ? ':' : ''}`)}`,
    )
    .join('');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
