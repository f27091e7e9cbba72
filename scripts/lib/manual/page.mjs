import { literal, prose, request, usage } from './roff.mjs';
import { FILES, filesIn, VARIABLES, variablesIn } from './surroundings.mjs';

/** @typedef {import('../describe/commands.mjs').Description} Description */

/** Title of a section that is nothing but its items. */
export const LIST = 'List';

/**
 * A manual page in man(7).
 *
 * @param {Description} command
 * @param {object} settings
 * @param {number} settings.section of the manual: 1 commands, 8 daemons
 * @param {number} settings.date in seconds since 1970
 * @param {readonly {name: string, section: number}[]} settings.others all other pages
 * @param {ReadonlyMap<string, readonly import('../describe/text.mjs').Section[]>} settings.more what only the page
 *   says, by the titles of its sections
 */
export function manualPage(command, { section, date, others, more = new Map() }) {
  const operands = operandsOf(command);
  const parts = new Map([
    ['NAME', [name(command)]],
    ['SYNOPSIS', [synopsis(command)]],
    ['DESCRIPTION', description(command, operands)],
    ['OPTIONS', options(command, operands)],
    ['VERBS', verbs(command)],
    ['ENVIRONMENT', explained(command, VARIABLES, variablesIn)],
    ['FILES', explained(command, FILES, filesIn)],
    ['EXIT STATUS', exitStatus(command, operands)],
    ['EXAMPLES', titled(command, /^Examples?$/).map(examples)],
    ['SEE ALSO', [seeAlso(others)]],
  ]);
  const places = [...parts.keys()];
  for (const [title, sections] of more) {
    if (!parts.has(title)) places.splice(places.indexOf('ENVIRONMENT'), 0, title);
    parts.set(title, [
      ...(parts.get(title) ?? []),
      ...sections.map((part) => titledBody(part, operands)),
    ]);
  }
  const day = new Date(date * 1000).toISOString().slice(0, 10);
  const title = command.name.toUpperCase();
  const lines = [request('TH', title, `${section}`, day, `xcpu ${command.version}`, 'xcpu')];
  for (const place of places) {
    const texts = parts.get(place).filter(Boolean);
    if (texts.length > 0) lines.push(request('SH', place), joined(texts));
  }
  return `${lines.join('\n')}\n`;
}

/** Names in capitals that stand for what the user writes. */
function operandsOf(command) {
  const texts = [...command.usage, ...command.options.map(({ value = '' }) => value)];
  return new Set(texts.flatMap((text) => text.match(/[A-Z][A-Z0-9]+/g) ?? []));
}

/** The title up to where it goes into details. */
function name({ name, title }) {
  const [short] = title.split(': ');
  const text = prose(`${name} – ${short.charAt(0).toLowerCase()}${short.slice(1)}`);
  // The dash that programs which list pages look for.
  return text.replace('\\(en', '\\-');
}

function synopsis({ name, usage: forms }) {
  return forms.map((form) => `\\fB${literal(name)}\\fR ${usage(form)}`).join('\n.br\n');
}

function description(command, operands) {
  const rest = command.sections.filter(
    ({ title }) => !/^(Examples?|Exit status|Verbs)$/.test(title),
  );
  const texts = rest.map((section) =>
    section.title === ''
      ? body(section, operands)
      : `${request('SS', literal(section.title))}\n${body(section, operands)}`,
  );
  // What has a heading goes below what has none.
  const plain = texts.filter((text) => !text.startsWith('.SS'));
  const headed = texts.filter((text) => text.startsWith('.SS'));
  return [prose(command.summary, operands), ...plain, ...headed];
}

function options(command, operands) {
  return command.options.map((option) => optionPart(option, operands));
}

function optionPart({ short, long, value, text }, operands) {
  const names = [short, long].filter(Boolean).map((flag) => `\\fB${literal(flag)}\\fR`);
  const taken = value === undefined ? '' : ` \\fI${literal(value)}\\fR`;
  return `.TP\n${names.join(', ')}${taken}\n${prose(text, operands)}`;
}

/** What most verbs take is told once. */
function verbs({ verbs }) {
  if (verbs.length === 0) return [];
  const counts = new Map();
  for (const { options } of verbs) {
    for (const { long } of options) counts.set(long, (counts.get(long) ?? 0) + 1);
  }
  const usual = new Map(
    verbs
      .flatMap(({ options }) => options)
      .filter(({ long }) => counts.get(long) > verbs.length / 2)
      .map((option) => [option.long, option]),
  );
  const names = new Set(usual.keys());
  return [
    `${request('SS', 'Options of most verbs')}\n${joined([...usual.values()].map((option) => optionPart(option)))}`,
    ...verbs.map((verb) => verbPart(verb, names)),
  ];
}

function verbPart(verb, usual) {
  const operands = operandsOf(verb);
  const has = new Set(verb.options.map(({ long }) => long));
  const own = verb.options.filter(({ long }) => !usual.has(long));
  const lacking = [...usual].filter((long) => !has.has(long));
  const texts = [
    synopsis(verb),
    prose(verb.summary, operands),
    ...own.map((option) => optionPart(option, operands)),
    ...(lacking.length === 0
      ? []
      : [prose(`Of the options of most verbs it lacks ${lacking.join(', ')}.`)]),
    ...titled(verb, /^Examples?$/).map(examples),
  ];
  return `${request('SS', literal(verb.name))}\n${joined(texts)}`;
}

/** What a table says of everything that the texts of the command name. */
function explained(command, table, namesIn) {
  const named = namesIn(allText(command));
  return Object.keys(table)
    .filter((key) => named.has(key))
    .map((key) => `.TP\n\\fB${literal(key)}\\fR\n${prose(table[key])}`);
}

/** Everything that a command says. */
export function allText(command) {
  return [
    command.summary,
    ...command.options.map(({ text }) => text),
    ...command.sections.flatMap(({ paragraphs, items }) => [
      ...paragraphs.flat(),
      ...items.flatMap(({ label, text }) => [label, text]),
    ]),
    ...command.verbs.map(allText),
  ].join('\n');
}

function exitStatus(command, operands) {
  const own = titled(command, /^Exit status$/);
  if (own.length > 0) return own.map((section) => body(section, operands));
  return [prose('0, 1 if anything failed, 2 for wrong usage.')];
}

function titled({ sections }, title) {
  return sections.filter((section) => title.test(section.title));
}

function examples({ paragraphs, items }) {
  const lead = paragraphs.map((text) => prose(`${text}:`));
  const shown = items.map(({ label, text }) => {
    const meaning = text === '' ? '' : `${prose(`${text}:`)}\n`;
    return `${meaning}${sample([label])}`;
  });
  return joined([...lead, ...shown]);
}

function titledBody(section, operands) {
  const { title } = section;
  const lead = title === '' || title === LIST ? [] : [prose(`${title}:`)];
  return joined([...lead, body(section, operands)]);
}

function body({ paragraphs, items }, operands) {
  return joined([
    ...paragraphs.map((text) => (typeof text === 'string' ? prose(text, operands) : sample(text))),
    ...items.map(({ label, text }) => `.TP\n\\fB${literal(label)}\\fR\n${prose(text, operands)}`),
  ]);
}

/** Lines that are to be read, or typed, as they are. */
function sample(lines) {
  return ['.PP', '.RS 4', '.nf', ...lines.map(literal), '.fi', '.RE'].join('\n');
}

function seeAlso(others) {
  const last = others.length - 1;
  return others
    .map(
      ({ name, section }, index) => `.BR ${literal(name)} (${section})${index < last ? ',' : ''}`,
    )
    .join('\n');
}

/** Paragraphs, parted where the next does not begin one by itself. */
function joined(texts) {
  return texts
    .map((text, index) => (index > 0 && !/^\.(TP|SS|PP)/.test(text) ? `.PP\n${text}` : text))
    .join('\n');
}
