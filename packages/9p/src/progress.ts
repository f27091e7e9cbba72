import type { CopyProgress } from '@xcpu/9p-protocol/client';
import { printError, sizeText } from '@xcpu/libxcpu/cli';
import { escaped } from './names.js';

/** Copies that are done before are not worth a line, in milliseconds. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;
/** Letters of a path that fit beside the figures on a terminal of 80 columns. */
const PATH_LENGTH = 44;

/** How far a copy is, on one line of a terminal that is written over and over. */
export class Progress {
  readonly #shown: boolean;
  readonly #print: (text: string) => void;
  readonly #clock: () => number;
  readonly #began: number;
  /** Bytes of the files that are not complete, by path. */
  readonly #under = new Map<string, number>();
  #last: number;
  #bytes = 0;
  #files = 0;
  #line = false;

  constructor(shown: boolean, print = printError, clock = () => performance.now()) {
    this.#shown = shown;
    this.#print = print;
    this.#clock = clock;
    this.#began = clock();
    this.#last = this.#began + QUIET_MS - INTERVAL_MS;
  }

  note({ path, kind, bytes, done, skipped }: CopyProgress): void {
    if (!this.#shown) return;
    if (skipped) return this.end();
    this.#bytes += bytes - (this.#under.get(path) ?? 0);
    if (done) this.#under.delete(path);
    else this.#under.set(path, bytes);
    if (done && kind !== 'directory') this.#files++;
    const now = this.#clock();
    if (now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    this.#line = true;
    const rate = (this.#bytes / (now - this.#began)) * 1000;
    const figures = `${sizeText(this.#bytes)} ${sizeText(rate)}/s ${this.#files} files`;
    this.#print(`\r\x1b[K${figures} ${shortened(escaped(path))}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#line) this.#print('\r\x1b[K');
    this.#line = false;
  }
}

function shortened(path: string): string {
  return path.length <= PATH_LENGTH ? path : `…${path.slice(1 - PATH_LENGTH)}`;
}
