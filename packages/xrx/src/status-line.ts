import { printError } from '@xcpu/libxcpu/cli';

const NEWLINE = 10;

/** One line of the terminal that stderr is, written over and over. What else is written there goes before it. */
export class StatusLine {
  readonly #shown: boolean;
  readonly #print: (text: string) => void;
  #visible = false;
  /** Something else has written a part of a line, which is not to be written over. */
  #midLine = false;

  constructor(shown: boolean, print = printError) {
    this.#shown = shown;
    this.#print = print;
  }

  show(text: string): void {
    if (!this.#shown || this.#midLine) return;
    this.#visible = true;
    this.#print(`\r\x1b[K${text}`);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#visible) this.#print('\r\x1b[K');
    this.#visible = false;
  }

  /** Makes way for something else that is written next. */
  yield(data: Uint8Array): void {
    this.clear();
    if (data.length > 0) this.#midLine = data.at(-1) !== NEWLINE;
  }
}
