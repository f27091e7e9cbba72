import { MAX_SPARE_READ_BYTES } from '../limits.js';

/** Below this the allocator has memory at hand that was in use before; above it takes new pages from the system. */
const LEAST = 32 * 1024;
/** No message has more data by default. */
const MOST = 1024 * 1024;

/** Memory that reads filled, that the system has taken over by now, by its size: a power of two. */
const spares = new Map<number, ArrayBufferLike[]>();
let spareBytes = 0;

/** A buffer of that length to read into, with whatever is in it. */
export function takeReadBuffer(length: number): Buffer {
  if (!isKept(length)) return Buffer.allocUnsafe(length);
  const size = sizeFor(length);
  const spare = spares.get(size)?.pop();
  if (!spare) return Buffer.allocUnsafeSlow(size).subarray(0, length);
  spareBytes -= size;
  return Buffer.from(spare, 0, length);
}

/** Nobody looks any more at a buffer of `takeReadBuffer`: it may be filled again. */
export function giveReadBuffer({ buffer, length }: Buffer): void {
  if (!isKept(length)) return;
  const size = buffer.byteLength;
  if (spareBytes + size > MAX_SPARE_READ_BYTES) return;
  spareBytes += size;
  const alike = spares.get(size);
  if (alike) alike.push(buffer);
  else spares.set(size, [buffer]);
}

function isKept(length: number): boolean {
  return length >= LEAST && length <= MOST;
}

/** The power of two that is not below it. */
function sizeFor(length: number): number {
  return 2 ** (32 - Math.clz32(length - 1));
}
