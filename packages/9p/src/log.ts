import { printError } from '@xcpu/libxcpu/cli';

/** What an event is about: values that fit on a line. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** One line on stderr: `time event key=value …`, as xcpufs logs. */
export function logEvent(event: string, fields: LogFields = {}): void {
  printError(formatEvent(new Date(), event, fields));
}

/** The line of an event. */
export function formatEvent(time: Date, event: string, fields: LogFields): string {
  let line = `${time.toISOString()} ${event}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${quoted(String(value))}`;
  }
  return `${line}\n`;
}

/** Whatever a peer made us log stays on its line, and inside its value. */
function quoted(text: string): string {
  if (/^[\w!%+,./:@-]+$/.test(text)) return text;
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029]|\p{Cf}/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
