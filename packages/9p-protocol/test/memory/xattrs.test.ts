import { describe, expect, it } from 'vitest';
import { FileMode } from '../../src/constants-linux.js';
import { Errno } from '../../src/index.js';
import { MAX_XATTR_BYTES, MAX_XATTR_NAME } from '../../src/limits.js';
import { Inode } from '../../src/memory/inode.js';
import { type Person, Users } from '../../src/memory/users.js';
import { Volume } from '../../src/memory/volume.js';
import { Attached } from '../../src/memory/xattrs.js';
import type { Request } from '../../src/server/index.js';

const user: Person = { uid: 1, gid: 1, groups: [1], privileged: true };
const request = { user } as Request<Person>;

/** The attributes of a new file. */
function attributes(): Attached {
  const volume = new Volume(2 ** 20, 1, new Users([], false));
  return new Attached(new Inode(volume, FileMode.REGULAR | 0o644, 0, user));
}

describe('attributes in memory', () => {
  it('have names of so many bytes, whatever their letters', () => {
    const attached = attributes();
    const longest = `user.${'\u00e9'.repeat((MAX_XATTR_NAME - 5) / 2)}`;
    expect(Buffer.byteLength(longest)).toBe(MAX_XATTR_NAME);
    attached.set(longest, Buffer.from('x'), 0, request);
    expect(attached.list()).toEqual([longest]);
    expect(() => attached.set(`${longest}y`, Buffer.from('x'), 0, request)).toThrow(
      expect.objectContaining({ errno: Errno.ERANGE }),
    );
  });

  it('have values as long as Linux allows', () => {
    const attached = attributes();
    attached.set('user.a', Buffer.alloc(MAX_XATTR_BYTES), 0, request);
    expect(() => attached.set('user.a', Buffer.alloc(MAX_XATTR_BYTES + 1), 0, request)).toThrow(
      expect.objectContaining({ errno: Errno.E2BIG }),
    );
    expect(attached.get('user.a', request)).toHaveLength(MAX_XATTR_BYTES);
  });
});
