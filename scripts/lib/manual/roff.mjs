/** Text for man(7), the language of manual pages. */

/** A whole paragraph as lines of source, in which options are bold and operands are in italics. */
export function prose(text, operands = new Set()) {
  const words = text
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => marked(word, operands));
  return wrapped(words);
}

/** Text that is to be read, or copied, as it is. */
export function literal(text) {
  return atLineStart(escaped(text).replaceAll('-', '\\-'));
}

/** A macro with its arguments, each quoted. */
export function request(name, ...texts) {
  return [`.${name}`, ...texts.map((text) => `"${text.replaceAll('"', '\\(dq')}"`)].join(' ');
}

/** Usage in the fonts that a synopsis has: what is typed bold, what is replaced in italics. */
export function usage(text) {
  return text
    .split(/([A-Z][A-Z0-9]*|[a-z-][a-z0-9-]*)/)
    .map((piece) => {
      if (/^[A-Z]/.test(piece)) return `\\fI${piece}\\fR`;
      if (piece === 'options' || piece === 'operands') return `\\fI${piece}\\fR`;
      return /^[a-z-]/.test(piece) ? `\\fB${literal(piece)}\\fR` : escaped(piece);
    })
    .join('')
    .replaceAll('\\fR\\fI', '\\fI');
}

const MARKS = /^([([]*)(--?[A-Za-z][\w-]*|[A-Z][A-Z0-9]+)(.*)$/s;

function marked(word, operands) {
  const match = MARKS.exec(word);
  if (!match) return hyphenated(word);
  const [, before, name, after] = match;
  if (name.startsWith('-')) return `${before}\\fB${literal(name)}\\fR${hyphenated(after)}`;
  return operands.has(name) ? `${before}\\fI${name}\\fR${hyphenated(after)}` : hyphenated(word);
}

/** In a word a hyphen; in a path, a range or an option what is on the keyboard. */
function hyphenated(word) {
  const text = escaped(word);
  return /^[A-Za-z]+(-[A-Za-z]+)+\W*$/.test(word) ? text : text.replaceAll('-', '\\-');
}

const ESCAPES = {
  '\\': '\\e',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '…': '\\&...',
  '–': '\\(en',
};

function escaped(text) {
  return text.replace(/[\\'`^~…–]/g, (character) => ESCAPES[character]);
}

const WIDTH = 78;

/** A line for each sentence at least, as roff wants them, to know how wide the space behind it is. */
function wrapped(words) {
  const lines = [];
  let line = '';
  for (const word of words) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && (longer.length > WIDTH || /[.!?]\)?$/.test(line))) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (line !== '') lines.push(line);
  return lines.map(atLineStart).join('\n');
}

/** A dot, or an apostrophe, would begin a macro. */
function atLineStart(text) {
  return /^[.']/.test(text) ? `\\&${text}` : text;
}
