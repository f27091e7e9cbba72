import { flagsOf, suppliesNodes } from './shell-tables.mjs';

/**
 * What fish knows of the commands: functions that print a line for each answer, and the options as fish has them.
 *
 * @param {readonly import('./grammar.mjs').Entry[]} entries
 * @param {readonly string[]} names of the commands
 */
export function fishTables(entries, names) {
  const owners = entries.filter(({ ownsOptions }) => ownsOptions);
  return [
    table('__xcpu_verbs', entries, ({ verbs }) => verbs),
    table('__xcpu_operands', entries, ({ operands }) => operands),
    table('__xcpu_value', flagsOf(owners), ({ kind }) => (kind === '' ? [] : [kind])),
    question(
      '__xcpu_stops',
      entries.filter(({ stopsAtOperands }) => stopsAtOperands),
    ),
    question(
      '__xcpu_verbs_own',
      entries.filter(({ verbsOwnOptions }) => verbsOwnOptions),
    ),
    question('__xcpu_supplies', flagsOf(owners).filter(suppliesNodes)),
    // What an earlier version of this script said is forgotten.
    ...names.map((name) => `complete -c ${name} -e`),
    ...names.map((name) => `complete -c ${name} -f -a '(__xcpu_operand)'`),
    ...optionLines(owners),
  ].join('\n');
}

/** A function that prints answers by its argument. Those with the same answers share a case. */
function table(name, rows, answersOf) {
  const names = new Map();
  for (const row of rows) {
    const answers = answersOf(row).map(quoted).join(' ');
    if (answers !== '') names.set(answers, [...(names.get(answers) ?? []), quoted(row.name)]);
  }
  const cases = [...names].map(
    ([answers, same]) => `case ${same.join(' ')}\nprintf '%s\\n' ${answers}`,
  );
  return `function ${name}\nswitch "$argv"\n${cases.join('\n')}\nend\nend`;
}

function question(name, rows) {
  const names = rows.map((row) => quoted(row.name)).join(' ');
  return `function ${name}\ncontains -- "$argv" ${names}\nend`;
}

/** What several verbs of a command have in common is one line. */
function optionLines(owners) {
  const lines = new Map();
  for (const { name, options } of owners) {
    const command = name.split(' ')[0];
    for (const option of options) {
      const line = `complete -c ${command} ${optionText(option)}`;
      lines.set(line, [...(lines.get(line) ?? []), `"${name}"`]);
    }
  }
  return [...lines].map(
    ([line, names]) => `${line} -n ${quoted(`__xcpu_offers ${names.join(' ')}`)}`,
  );
}

function optionText({ flags, kind, text }) {
  const shown = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const taken = kind === '' ? [] : ['-x', '-a', quoted(`(__xcpu_complete ${kind})`)];
  return [...shown, ...taken, '-d', quoted(text)].join(' ');
}

function quoted(text) {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
