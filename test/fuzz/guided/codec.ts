import { isDeepStrictEqual } from 'node:util';
import {
  type AnyMessage,
  type DecodeOptions,
  type Dialect,
  decode,
  decodeDirents,
  decodeStats,
  encode,
  encodeDirent,
  encodeStat,
  FrameReader,
  formatMessage,
  NinePError,
} from '@xcpu/9p-protocol';
import { Supply } from './supply.js';

export const DIALECTS: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];
const MODES: readonly DecodeOptions[] = [{}, { strings: 'bytes' }];
const MAX_FRAME = 4096;

/**
 * The codec: only protocol errors, what can be decoded is encoded to the same message again, and frames do not depend
 * on how the bytes were cut.
 */
export function fuzz(data: Buffer): void {
  const supply = new Supply(data);
  const what = supply.below(4);
  const dialect = supply.pick(DIALECTS);
  const options = supply.pick(MODES);
  if (what === 0) return frames(supply);
  if (what === 1) return entries(supply.rest(), dialect, options);
  const rest = Buffer.from(supply.rest());
  // Most often the size is right, or nothing else would ever be looked at.
  if (what === 2 && rest.length >= 4) rest.writeUInt32LE(rest.length, 0);
  messages(rest, dialect, options);
}

function messages(frame: Buffer, dialect: Dialect, options: DecodeOptions): void {
  const message = attempt(() => decode(frame, dialect, options));
  if (!message) return;
  formatMessage(message);
  const again = decode(Buffer.from(encode(message, dialect)), dialect, options);
  same(message, again);
}

function entries(bytes: Buffer, dialect: Dialect, options: DecodeOptions): void {
  const dirents = attempt(() => decodeDirents(bytes, options));
  if (dirents) same(Buffer.concat(dirents.map((entry) => encodeDirent(entry))), bytes);
  const stats = attempt(() => decodeStats(bytes, dialect, options));
  if (!stats) return;
  const encoded = Buffer.concat(stats.map((stat) => encodeStat(stat, dialect)));
  same(decodeStats(encoded, dialect, options), stats);
}

function frames(supply: Supply): void {
  const [inPieces, most] = [supply.once(2), 1 + supply.byte()];
  const bytes = supply.rest();
  const whole = cut(bytes, bytes.length || 1, false);
  same(cut(bytes, most, inPieces), whole);
}

/** The frames in some bytes, and whether they end in an error. */
function cut(bytes: Buffer, most: number, inPieces: boolean): unknown {
  const reader = new FrameReader(MAX_FRAME, inPieces);
  const found: Buffer[] = [];
  const failed = attempt(() => {
    for (let at = 0; at < bytes.length; at += most) {
      reader.push(bytes.subarray(at, at + most), (frame, pieces = []) => {
        found.push(Buffer.concat([frame, ...pieces]));
      });
    }
    return { partial: reader.partial };
  });
  return { found, failed };
}

/** undefined if the peer broke the protocol. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof NinePError && error.kind === 'protocol') return undefined;
    throw error;
  }
}

function same(actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`not the same: ${show(actual)} and ${show(expected)}`);
}

function show(value: unknown): string {
  return JSON.stringify(value as AnyMessage, (_, part) =>
    typeof part === 'bigint' ? `${part}n` : part,
  );
}
