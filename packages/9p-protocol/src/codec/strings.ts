// String.prototype.isWellFormed is in every Node that this runs on, and in no library of ES2023.
/// <reference lib="es2024.string" />
import { isUtf8 } from 'node:buffer';
import { protocolError } from '../errors.js';

/** Above this length Node's own conversion is faster than a loop in JavaScript. */
const SHORT = 24;
/** A byte that is no part of UTF-8 stands in a string as this and the byte: a lone low surrogate, U+DC80 to U+DCFF. */
const ESCAPE = 0xdc00;

/** How the strings of messages are read. */
export interface DecodeOptions {
  /**
   * - `utf8` (default): what is not UTF-8 is an error of protocol;
   * - `bytes`: it is kept, as {@link bytesToName} says, and comes out again as it came in. For servers and clients
   *   of file systems whose names are bytes.
   */
  readonly strings?: 'utf8' | 'bytes';
}

/**
 * The bytes of a name, for a file system whose names are bytes: the inverse of {@link bytesToName}. Lone surrogates
 * that escape no byte become U+FFFD.
 */
export function nameToBytes(name: string): Buffer {
  const bytes = Buffer.allocUnsafe(name.length * 3);
  return bytes.subarray(0, encodeString(bytes, 0, name));
}

/**
 * A name as a string, whatever its bytes are: those that are not UTF-8 become lone surrogates, U+DC80 for 80 to
 * U+DCFF for ff (Python's "surrogateescape", PEP 383). ASCII is never escaped: no name can hide a `/` or a NUL.
 */
export function bytesToName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return decodeString(buffer, 0, buffer.length, true);
}

/**
 * The string in `buffer[start, end)`.
 * @param keep keeps bytes that are not UTF-8, as {@link bytesToName} does
 * @throws NinePError (protocol) if the bytes are not UTF-8 and not to be kept.
 */
export function decodeString(buffer: Buffer, start: number, end: number, keep: boolean): string {
  if (end - start <= SHORT) {
    let text = '';
    let at = start;
    for (; at < end; at++) {
      const byte = buffer[at]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  const bytes = buffer.subarray(start, end);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  if (!keep) throw protocolError('string is not valid UTF-8');
  return decodeEscaped(bytes);
}

/** Writes text at `at` and returns the number of bytes; the caller has made room for 3 bytes per UTF-16 unit. */
export function encodeString(buffer: Buffer, at: number, text: string): number {
  const length = text.length;
  if (length <= SHORT) {
    let index = 0;
    for (; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) break;
      buffer[at + index] = code;
    }
    if (index === length) return length;
  }
  const written = buffer.write(text, at, 'utf8');
  // One byte for each unit is ASCII, which needs no second look.
  if (written === length || text.isWellFormed()) return written;
  return encodeEscaped(buffer, at, text);
}

/** How many bytes {@link encodeString} writes. */
export function encodedLength(text: string): number {
  const length = Buffer.byteLength(text);
  if (length === text.length || text.isWellFormed()) return length;
  return nameToBytes(text).length;
}

/** As much of the text's beginning as fits into `size` bytes without cutting a letter. */
export function truncateString(text: string, size: number): string {
  if (text.length * 3 <= size) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= size) return text;
  let end = size;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

function decodeEscaped(bytes: Buffer): string {
  const pieces: string[] = [];
  let valid = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > valid) pieces.push(bytes.toString('utf8', valid, at));
    pieces.push(String.fromCharCode(ESCAPE | bytes[at]!));
    valid = ++at;
  }
  pieces.push(bytes.toString('utf8', valid));
  return pieces.join('');
}

/** Bytes of the letter at `at`, 0 if there is none. Source: the Unicode standard, table 3-7. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = bytes[at + 1] ?? 0;
  if (first < 0xe0) return isContinuation(second) ? 2 : 0;
  if (first < 0xf0) {
    const least = first === 0xe0 ? 0xa0 : 0x80;
    const most = first === 0xed ? 0x9f : 0xbf;
    return second >= least && second <= most && isContinuation(bytes[at + 2]) ? 3 : 0;
  }
  const least = first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xf4 ? 0x8f : 0xbf;
  const fits = second >= least && second <= most;
  return fits && isContinuation(bytes[at + 2]) && isContinuation(bytes[at + 3]) ? 4 : 0;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function encodeEscaped(buffer: Buffer, start: number, text: string): number {
  let at = start;
  // By code points, so that the halves of a pair stay together.
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) buffer[at++] = code;
    else at += buffer.write(letter, at, 'utf8');
  }
  return at - start;
}
