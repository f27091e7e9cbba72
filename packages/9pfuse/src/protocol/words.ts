import { bytesToName, NinePError, type Uint64 } from '@xcpu/9p-protocol';

const HIGH = 2 ** 32;

/** The 64-bit number at `at`; all of the protocol is in the machine's own order, and machines that matter are little-endian. */
export function readU64(buffer: Buffer, at: number): Uint64 {
  const high = buffer.readUInt32LE(at + 4);
  return high < 0x200000 ? high * HIGH + buffer.readUInt32LE(at) : buffer.readBigUInt64LE(at);
}

export function writeU64(buffer: Buffer, value: Uint64, at: number): void {
  if (typeof value === 'bigint') {
    buffer.writeBigUInt64LE(value, at);
  } else {
    buffer.writeUInt32LE(value % HIGH, at);
    buffer.writeUInt32LE(Math.floor(value / HIGH), at + 4);
  }
}

/** The names that end a request, each with a NUL behind it. */
export function readNames(buffer: Buffer, at: number, count: number): string[] {
  const names: string[] = [];
  for (let index = 0; index < count; index++) {
    const end = buffer.indexOf(0, at);
    if (end < 0) throw truncated();
    names.push(bytesToName(buffer.subarray(at, end)));
    at = end + 1;
  }
  return names;
}

/** A request that is shorter than its kind is: nothing that a kernel sends. */
export function truncated(): NinePError {
  return new NinePError('FUSE request is cut short', undefined, { kind: 'protocol' });
}
