/** What an event is about: values that fit on a line. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** One line per event on stderr: `time event key=value …`, or JSON. */
export class Log {
  readonly #json: boolean;
  readonly #write: (line: string) => void;

  constructor(json: boolean, write: (line: string) => void = (line) => process.stderr.write(line)) {
    this.#json = json;
    this.#write = write;
  }

  event(event: string, fields: LogFields = {}): void {
    const time = new Date().toISOString();
    if (this.#json) {
      this.#write(`${escaped({ time, event, ...fields })}\n`);
      return;
    }
    let line = `${time} ${event}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${key}=${quoted(String(value))}`;
    }
    this.#write(`${line}\n`);
  }
}

/** Whatever a peer made us log stays on its line, and inside its value. */
function quoted(text: string): string {
  return /^[\w!%+,./:@-]+$/.test(text) ? text : escaped(text);
}

/** JSON without what a terminal or a pager could take for a control character or the end of a line. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
