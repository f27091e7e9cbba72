import { printable } from '../node/errors.js';

/**
 * Lines of cells as a table, a line of headings first. Whatever a peer put into a cell is fit for a terminal, and the
 * last cell of a line is as long as it is.
 *
 * @param right headings of the columns that are set flush right
 */
export function formatColumns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<string> = new Set(),
): string {
  const lines = [headings, ...rows].map((row) => row.map(printable));
  const widths = headings.map((_, column) =>
    lines.reduce((width, row) => Math.max(width, row[column]!.length), 0),
  );
  const pad = (cell: string, column: number) => {
    if (right.has(headings[column]!)) return cell.padStart(widths[column]!);
    return column === headings.length - 1 ? cell : cell.padEnd(widths[column]!);
  };
  return lines.map((row) => `${row.map(pad).join(' ')}\n`).join('');
}

/** Lines cut at the width of the terminal that they go to, as ps(1) does; whole where they go elsewhere. */
export function linesThatFit(
  text: string,
  { isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): string {
  if (!isTTY || !columns) return text;
  return text.replace(/.+/g, (line) => line.slice(0, columns));
}
