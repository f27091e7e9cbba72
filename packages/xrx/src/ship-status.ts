import { sizeText } from '@xcpu/libxcpu/cli';
import type { ShipProgress } from '@xcpu/libxcpu/ship';
import type { StatusLine } from './status-line.js';

/** What is done before is not worth a line, in milliseconds. */
const QUIET_MS = 1000;
const INTERVAL_MS = 200;

/** Shows how far shipping is. */
export class ShipStatus {
  readonly #line: StatusLine;
  readonly #clock: () => number;
  readonly #began: number;
  #last: number;

  constructor(line: StatusLine, clock = () => performance.now()) {
    this.#line = line;
    this.#clock = clock;
    this.#began = clock();
    this.#last = this.#began + QUIET_MS - INTERVAL_MS;
  }

  note({ nodes, sent, total }: ShipProgress): void {
    if (nodes === 0) return this.#line.clear();
    const now = this.#clock();
    if (now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    const percent = total === 0 ? 100 : Math.floor((sent / total) * 100);
    const rate = sizeText((sent / (now - this.#began)) * 1000);
    const where = nodes === 1 ? '1 node' : `${nodes} nodes`;
    this.#line.show(`shipping to ${where}: ${percent}% of ${sizeText(total)}, ${rate}/s`);
  }
}
