/**
 * How many 9P messages a second the codec reads and writes, against the reference codec that the tests measure it by:
 * tables of fields, a list of bytes per field.
 *
 * The messages are those of a recorded `xrx date`, both directions. Their payloads are small, so that it is the codec
 * that is measured and not the copying of bytes, at which the reference would be slower by far more.
 */
import { readFileSync } from 'node:fs';
import { type AnyMessage, decode, FrameWriter } from '@xcpu/9p-protocol';
import { referenceDecode, referenceEncode } from '../packages/9p-protocol/test/reference-codec.js';
import { median, type Row, report, times } from './lib/report.js';
import { roundsFor } from './lib/rounds.js';

const ROUNDS = roundsFor(7);
const ROUND_MS = 300;
const WANTED = 5;
const DIALECT = '9P2000.u';

const frames = readFileSync('test/vectors/xrx_date.jsonl', 'utf8')
  .split('\n')
  .filter((line) => line.includes('"hex"'))
  .map((line) => Buffer.from(JSON.parse(line).hex, 'hex'));
const messages = frames.map((frame) => decode(frame, DIALECT));
const writer = new FrameWriter();

report('codec', [
  row('decode', decodeAll, () => frames.map((frame) => referenceDecode(frame, DIALECT))),
  row('encode', encodeAll, () => messages.map((message) => referenceEncode(message, DIALECT))),
]);

function decodeAll(): AnyMessage[] {
  return frames.map((frame) => decode(frame, DIALECT));
}

function encodeAll(): Uint8Array[] {
  for (const message of messages) writer.message(message, DIALECT);
  return writer.take();
}

function row(what: string, fast: () => unknown, naive: () => unknown): Row {
  const fastRates: number[] = [];
  const naiveRates: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const rates = [messagesPerSecond(fast), messagesPerSecond(naive)] as const;
    if (round < 0) continue;
    fastRates.push(rates[0]);
    naiveRates.push(rates[1]);
  }
  const ratio = median(fastRates) / median(naiveRates);
  return {
    what,
    measured: rate(median(fastRates)),
    baseline: rate(median(naiveRates)),
    ratio: times(ratio),
    wanted: `≥ ${WANTED}×`,
    met: ratio >= WANTED,
  };
}

function messagesPerSecond(run: () => unknown): number {
  const start = performance.now();
  let count = 0;
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    run();
    count += messages.length;
    elapsed = performance.now() - start;
  }
  return (count / elapsed) * 1000;
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond / 1000)}k messages/s`;
}
