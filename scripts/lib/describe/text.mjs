/**
 * @typedef {object} Item
 * @property {string} label as in `xps n8`
 * @property {string} text what is said of it; empty where nothing is
 *
 * @typedef {object} Section
 * @property {string} title empty where the text has none
 * @property {readonly (string | readonly string[])[]} paragraphs a text, or lines that are to be left as they are
 * @property {readonly Item[]} items
 */

/**
 * Takes apart what a help text says below its options: paragraphs, and sections that begin with `Title:` right above
 * an indented line and end at a blank one. Indented lines are items of a section (`label  text`, the text continued by
 * lines that are indented more), and where there is no section they are left as they are.
 *
 * @param {string} text
 * @returns {Section[]}
 */
export function parseText(text) {
  const sections = [];
  let section;
  let paragraph;
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const indent = /^ */.exec(line)[0].length;
    const heading = lines[index + 1]?.startsWith(' ') && HEADING.exec(line);
    if (line.trim() === '') {
      paragraph = undefined;
      if (section?.title) section = undefined;
    } else if (heading && paragraph === undefined) {
      section = begin(sections, heading[1]);
      if (heading[2] !== undefined) paragraph = beginParagraph(section, heading[2], 0);
    } else if (indent > 0 && section?.title) {
      addItem(section, line, indent);
      paragraph = undefined;
    } else if (paragraph && indent > 0 === paragraph.literal) {
      paragraph.lines.push(line);
    } else {
      section ??= begin(sections, '');
      paragraph = beginParagraph(section, line, indent);
    }
  }
  return sections.map(({ title, paragraphs, items }) => ({
    title,
    paragraphs: paragraphs.map(({ literal, lines }) =>
      literal ? lines.map((line) => line.trim()) : lines.join(' '),
    ),
    items: items.map(({ label, text }) => ({ label, text })),
  }));
}

/** A title, and what is said of the whole section. */
const HEADING = /^([A-Z][^:.$/]*):(?: (.*))?$/;

function begin(sections, title) {
  const section = { title, paragraphs: [], items: [] };
  sections.push(section);
  return section;
}

function beginParagraph({ paragraphs }, line, indent) {
  const paragraph = { literal: indent > 0, lines: [line] };
  paragraphs.push(paragraph);
  return paragraph;
}

function addItem({ items }, line, indent) {
  const last = items.at(-1);
  if (last && indent > last.indent) {
    last.text = [last.text, line.trim()].filter(Boolean).join(' ');
    return;
  }
  const [, label, text = ''] = /^(.*?)(?: {2,}(.*))?$/.exec(line.trim());
  items.push({ indent, label, text });
}
