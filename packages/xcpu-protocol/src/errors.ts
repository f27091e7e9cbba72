import { formatJson } from './json.js';

/**
 * The only error that this package throws for bad input. The message is fit to be shown to a user
 * and to be sent as the `ename` of an Rerror; where the wire protocol fixes a text ("unknown
 * command", "invalid user id", ...) the message is that text.
 */
export class XcpuFormatError extends Error {
  /** Every fault found, one sentence each; more than one only for whole files (`ns`, statfs). */
  readonly problems: readonly string[];

  /**
   * @param problem what is wrong, or all that is wrong; several are joined by "; " in the message
   */
  constructor(problem: string | readonly string[], options?: ErrorOptions) {
    const problems = typeof problem === 'string' ? [problem] : problem;
    super(problems.join('; '), options);
    this.name = 'XcpuFormatError';
    this.problems = problems;
  }
}

const MAX_SHOWN = 64;

/**
 * Foreign text made fit for an error message: in double quotes, control characters escaped, and cut
 * after 64 characters, so that a peer can neither flood a log nor drive a terminal.
 */
export function show(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return formatJson(cut);
}
