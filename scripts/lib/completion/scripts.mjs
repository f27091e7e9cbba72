import { readFileSync } from 'node:fs';
import { fishTables } from './fish-tables.mjs';
import { entriesOf } from './grammar.mjs';
import { shellTables } from './shell-tables.mjs';

/**
 * The scripts that complete all commands, by shell. A script reads the node map by itself: nothing of xcpu is started
 * while somebody types.
 *
 * @param {readonly import('../describe/commands.mjs').Description[]} commands
 * @returns {Record<'bash' | 'zsh' | 'fish', string>}
 */
export function completionScripts(commands) {
  const names = commands.map(({ name }) => name);
  const entries = commands.flatMap(entriesOf);
  return {
    bash: text(
      '# Completes the commands of xcpu in bash.',
      awk('_xcpu_awk='),
      part('engine.bash'),
      part('parse.sh'),
      shellTables(entries, 'bash'),
      `complete -F _xcpu ${names.join(' ')}`,
    ),
    zsh: text(
      `#compdef ${names.join(' ')}`,
      '# Completes the commands of xcpu in zsh.',
      awk('_xcpu_awk='),
      part('engine.zsh'),
      part('parse.sh'),
      shellTables(entries, 'zsh'),
      // As a file in $fpath this is the body of the function; where it is sourced it defines it.
      `if [[ $funcstack[1] == _xcpu ]]; then _xcpu "$@"; else compdef _xcpu ${names.join(' ')}; fi`,
    ),
    fish: text(
      '# Completes the commands of xcpu in fish.',
      awk('set -g __xcpu_awk '),
      part('engine.fish'),
      fishTables(entries, names),
    ),
  };
}

function awk(assignment) {
  return `${assignment}'${part('nodes.awk')}'`;
}

/** A part of a script. Comments stay with the source: who types waits for the shell to read them. */
function part(file) {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  return source
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n');
}

function text(...parts) {
  return `${parts.join('\n')}\n`;
}
