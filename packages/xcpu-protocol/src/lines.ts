import { XcpuFormatError } from './errors.js';

/** Faults reported of one text; whoever wrote more of them has seen enough. */
const MAX_PROBLEMS = 100;

/**
 * Parses a text line by line and goes on after a faulty line, so that its author learns of all faults
 * at once.
 *
 * @param parse gets a line and its number, from 1; undefined means that the line says nothing
 * @throws XcpuFormatError with one problem, "LABEL N: reason", for each line that `parse` refused
 */
export function parseLines<T>(
  text: string,
  label: string,
  parse: (line: string, number: number) => T | undefined,
): T[] {
  const results: T[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    try {
      const result = parse(line, index + 1);
      if (result !== undefined) {
        results.push(result);
      }
    } catch (error) {
      if (!(error instanceof XcpuFormatError)) {
        throw error;
      }
      problems.push(`${label} ${index + 1}: ${error.message}`);
      if (problems.length === MAX_PROBLEMS) {
        break;
      }
    }
  }
  if (problems.length > 0) {
    throw new XcpuFormatError(problems);
  }
  return results;
}
