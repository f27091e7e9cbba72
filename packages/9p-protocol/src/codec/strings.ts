import { isUtf8 } from 'node:buffer';
import { protocolError } from '../errors.js';

/** Above this length Node's own conversion is faster than a loop in JavaScript. */
const SHORT = 24;

/**
 * The string in `buffer[start, end)`.
 * @throws NinePError (protocol) if the bytes are not UTF-8.
 */
export function decodeString(buffer: Buffer, start: number, end: number): string {
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
  if (!isUtf8(bytes)) throw protocolError('string is not valid UTF-8');
  return bytes.toString('utf8');
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
  return buffer.write(text, at, 'utf8');
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
