import { type DirectoryEntry, MessageType } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { describe, expect, test } from 'vitest';
import { LinuxRemote } from '../../src/remote/linux.js';

/** One entry as Rreaddir has it. */
function dirent({ offset, name }: Pick<DirectoryEntry, 'offset' | 'name'>): Buffer {
  const head = Buffer.alloc(24);
  head.writeBigUInt64LE(BigInt(offset), 13);
  head.writeUInt16LE(name.length, 22);
  return Buffer.concat([head, Buffer.from(name)]);
}

describe('LinuxListing', () => {
  test('offsets that come twice do not make it answer from memory for ever', async () => {
    let asked = 0;
    const fid = {
      number: 1,
      chunk: 8192,
      client: {
        dialect: '9P2000.L',
        request: async ({ type }: { type: number }) => {
          expect(type).toBe(MessageType.Treaddir);
          const data = [9, 8, 9].map((offset) => dirent({ offset, name: '/' }));
          return { data: asked++ === 0 ? Buffer.concat(data) : Buffer.alloc(0) };
        },
      },
    } as unknown as Fid;
    const listing = new LinuxRemote().list(fid);
    expect(await listing.from(0, {})).toHaveLength(3);
    expect(await listing.from(9, {})).toEqual([]);
    expect(asked).toBe(2);
  });
});
