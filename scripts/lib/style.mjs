const CODES = { bold: [1, 22], dim: [2, 22], cyan: [36, 39], green: [32, 39], red: [31, 39] };

/** Colours are for terminals, and for those who want them (https://no-color.org). */
const coloured = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/**
 * The text in a style on a terminal, as it is elsewhere.
 *
 * @param {keyof typeof CODES} style
 * @param {string} text
 */
export function styleText(style, text) {
  const [on, off] = CODES[style];
  return coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}
