/**
 * @typedef {object} Entry what can follow a command, or a command and its verb
 * @property {string} name as in `xrx` or `9p ls`
 * @property {boolean} ownsOptions whether it has options of its own: a verb may have those of its command
 * @property {boolean} verbsOwnOptions
 * @property {readonly {flags: readonly string[], kind: string, text: string}[]} options; `kind` is empty for those
 *   that take no value
 * @property {readonly string[]} operands their kinds, in their order; the last ends in `+` where it may come often
 * @property {readonly string[]} verbs
 * @property {boolean} stopsAtOperands
 *
 * A kind is what a shell knows how to complete (`nodes`, `command`, `arguments`, `files`, `directories`, `users`,
 * `groups`, `signals`, `words:A,B`) or `nothing`; several are parted by `/`.
 */

/**
 * @param {import('../describe/commands.mjs').Description} command
 * @returns {Entry[]} the command's, then its verbs'
 */
export function entriesOf(command) {
  const forms = command.usage.flatMap((form) => readForm(form, command.options));
  const named = new Map();
  for (const { verb, operands } of forms) {
    if (verb !== undefined) named.set(verb, merged(named.get(verb) ?? [], operands));
  }
  const own = forms.filter(({ verb }) => verb === undefined).map(({ operands }) => operands);
  const described = command.verbs.map((verb) => {
    const forms = verb.usage.flatMap((form) => readForm(form, verb.options));
    const operands = forms.map((form) => form.operands);
    return { ...entry(verb, operands), ownsOptions: true };
  });
  return [
    {
      ...entry(command, own),
      verbs: [...named.keys(), ...described.map(({ name }) => name.replace(/.* /, ''))],
      ownsOptions: true,
      verbsOwnOptions: described.length > 0,
    },
    ...[...named].map(([verb, operands]) => ({
      ...entry(command, [operands]),
      name: `${command.name} ${verb}`,
    })),
    ...described,
  ];
}

function entry({ name, options, stopsAtOperands }, forms) {
  return {
    name,
    options: options.map(({ short, long, value, choices, text }) => ({
      flags: [short, long].filter(Boolean),
      kind: choices
        ? `words:${choices.join(',')}`
        : value === undefined
          ? ''
          : valueKind(long, value),
      text,
    })),
    operands: forms.reduce(merged, []),
    verbs: [],
    stopsAtOperands,
    ownsOptions: false,
    verbsOwnOptions: false,
  };
}

/** `[add] NODES USER` is two forms, one with a verb and one without. */
function readForm(form, options) {
  const words = withoutOptions(form.replaceAll(/\[op[a-z]*\]/g, ''), options);
  const first = words[0] ?? '';
  const verbs = /^\[?([a-z][a-z|]*)\]?$/.exec(first)?.[1].split('|') ?? [];
  const operands = words
    .slice(verbs.length > 0 ? 1 : 0)
    .filter((word) => word !== 'VERB')
    .map(operandKind);
  const optional = verbs.length === 0 || first.startsWith('[');
  return [...verbs.map((verb) => ({ verb, operands })), ...(optional ? [{ operands }] : [])];
}

/** The words of a form that are no options, nor what those take. */
function withoutOptions(form, options) {
  const words = form.split(/\s+/).filter(Boolean);
  const taking = options.filter(({ value }) => value).flatMap(({ short, long }) => [short, long]);
  const isValue = (index) => index > 0 && taking.includes(words[index - 1].replace('[', ''));
  return words.filter((word, index) => !/^\[?-/.test(word) && !isValue(index));
}

const KINDS = {
  NODES: 'nodes',
  NODE: 'nodes',
  ADDRESS: 'nodes',
  PROGRAM: 'command',
  ARGS: 'arguments',
  FILE: 'files',
  KEYFILE: 'files',
  LOCAL: 'files',
  DIR: 'directories',
  DIRECTORY: 'directories',
  MOUNTPOINT: 'directories',
  USER: 'users',
  GROUP: 'groups',
  SIGNAL: 'signals',
};

function operandKind(word) {
  const again = /\.\.\.|…/.test(word) ? '+' : '';
  const name = word.replace(/^\[/, '');
  if (/^[a-z]+(\|[a-z]+)+\]?$/.test(name))
    return `words:${name.replace(']', '').replaceAll('|', ',')}`;
  return (KINDS[/^[A-Z]+/.exec(name)?.[0]] ?? 'nothing') + again;
}

function valueKind(long, value) {
  if (long === '--user') return 'users';
  if (value === 'PATH') return 'files';
  if (value.toUpperCase() === 'ADDRESS' && long !== '--address') return 'nothing';
  return KINDS[value.toUpperCase()] ?? 'nothing';
}

/** Operands of two forms, place by place. */
function merged(a, b) {
  const places = Math.max(a.length, b.length);
  return Array.from({ length: places }, (_, place) => {
    const kinds = [a[place], b[place]].filter(Boolean);
    const again = kinds.some((kind) => kind.endsWith('+')) && place === places - 1 ? '+' : '';
    return [...new Set(kinds.map((kind) => kind.replace('+', '')))].join('/') + again;
  });
}
