/** One line of a benchmark's table; texts as they are printed. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What it is measured against, in the same run. */
  readonly baseline?: string;
  readonly ratio?: string;
  readonly wanted?: string;
  /** Whether what is wanted was reached. */
  readonly met?: boolean;
}

/** Prints a benchmark's table. */
export function report(title: string, rows: readonly Row[]): void {
  const heads = [title, 'measured', 'baseline', 'ratio', 'wanted', ''];
  const lines = [heads, ...rows.map(cells)];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => width(line[column]))));
  for (const line of lines) {
    const padded = line.map((cell, column) => {
      const fill = ' '.repeat((widths[column] ?? 0) - width(cell));
      return column >= 1 && column <= 3 ? fill + cell : cell + fill;
    });
    console.log(padded.join('  ').trimEnd());
  }
  console.log();
}

/** The middle of the values; of an even number of them the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest value that at least `part` (0 to 1) of the values do not exceed. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** As in `3.2×`. */
export function times(ratio: number): string {
  return `${ratio >= 100 ? ratio.toFixed(0) : ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)}×`;
}

export function milliseconds(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

/** A rate, from bytes moved in a number of milliseconds. */
export function perSecond(bytes: number, ms: number): string {
  return `${(bytes / 1e3 / ms).toFixed(0)} MB/s`;
}

/** A number of bytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A number of bytes. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1e3).toFixed(1)} KB`;
}

function cells({ what, measured, baseline = '', ratio = '', wanted = '', met }: Row): string[] {
  return [what, measured, baseline, ratio, wanted, met === undefined ? '' : met ? 'yes' : 'NO'];
}

function width(cell = ''): number {
  return cell.length;
}
