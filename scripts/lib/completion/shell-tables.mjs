/**
 * What bash and zsh know of the commands: functions that set REPLY, or answer yes or no.
 *
 * @param {readonly import('./grammar.mjs').Entry[]} entries
 * @param {'bash' | 'zsh'} shell
 */
export function shellTables(entries, shell) {
  const owners = entries.filter(({ ownsOptions }) => ownsOptions);
  return [
    table('_xcpu_verbs', entries, ({ verbs }) => verbs.join(' ')),
    table('_xcpu_operands', entries, ({ operands }) => operands.join(' ')),
    shell === 'zsh'
      ? table('_xcpu_explain', owners, explanations)
      : table('_xcpu_options', owners, ({ options }) =>
          options.flatMap(({ flags }) => flags).join(' '),
        ),
    table('_xcpu_value', flagsOf(owners), ({ kind }) => kind),
    question(
      '_xcpu_stops',
      entries.filter(({ stopsAtOperands }) => stopsAtOperands),
    ),
    question(
      '_xcpu_verbs_own',
      entries.filter(({ verbsOwnOptions }) => verbsOwnOptions),
    ),
    question('_xcpu_supplies', flagsOf(owners).filter(suppliesNodes)),
  ].join('\n');
}

/** All options, each by the name of its owner and each of its flags, as in `xrx -w`. */
export function flagsOf(owners) {
  return owners.flatMap(({ name, options }) =>
    options.flatMap((option) =>
      option.flags.map((flag) => ({ ...option, name: `${name} ${flag}` })),
    ),
  );
}

/** Whether the option says which nodes are meant, so that no operand does. */
export function suppliesNodes({ flags }) {
  return flags.some((flag) => ['--nodes', '--all', '--address'].includes(flag));
}

/** For zsh's _describe, a line each. */
function explanations({ options }) {
  return options.flatMap(({ flags, text }) => flags.map((flag) => `${flag}:${text}`)).join('\n');
}

/** A function that sets REPLY by its argument. Those with the same answer share a line. */
function table(name, rows, answerOf) {
  const names = new Map();
  for (const row of rows) {
    const answer = answerOf(row);
    if (answer !== '') names.set(answer, [...(names.get(answer) ?? []), quoted(row.name)]);
  }
  const lines = [...names].map(([answer, same]) => `${same.join('|')}) REPLY=${quoted(answer)} ;;`);
  return `${name}() {\ncase $1 in\n${lines.join('\n')}\n*) REPLY='' ;;\nesac\n}`;
}

function question(name, rows) {
  const names = rows.map((row) => quoted(row.name)).join('|');
  return `${name}() {\ncase $1 in\n${names}) return 0 ;;\n*) return 1 ;;\nesac\n}`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
