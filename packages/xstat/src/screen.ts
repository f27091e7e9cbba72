const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * What draws a text over the one before on a terminal: lines that are too long are cut, and of too many the last ones
 * are kept from the end, since the summary is there. A terminal that tells no size, 0, gets all.
 */
export function screenText(text: string, rows: number, columns: number): string {
  const lines = text.trimEnd().split('\n');
  const room = rows > 0 ? Math.max(3, rows - 1) : lines.length;
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, room - 2), `(${lines.length - room + 1} lines more)`, lines.at(-1)!];
  const drawn = shown.map((line) => `${line.slice(0, columns || line.length)}${CLEAR_LINE}\n`);
  return `${HOME}${drawn.join('')}${CLEAR_BELOW}`;
}
