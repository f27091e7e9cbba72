import { expect, test } from 'vitest';
import { mountAt, parseMounts } from '../../src/mounting/mount-info.js';

const TEXT = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /mnt/a\\040b rw,nosuid shared:3 - fuse.9p n8 rw,user_id=0
31 30 0:41 / /mnt/a\\040b rw - tmpfs tmpfs rw
`;

test('mounts are told by path, the last on top', () => {
  const mounts = parseMounts(TEXT);
  expect(mounts.map(({ path, type }) => [path, type])).toEqual([
    ['/', 'ext4'],
    ['/mnt/a b', 'fuse.9p'],
    ['/mnt/a b', 'tmpfs'],
  ]);
  expect(mountAt(mounts, '/mnt/a b')).toEqual({
    device: '0:41',
    path: '/mnt/a b',
    escaped: '/mnt/a\\040b',
    type: 'tmpfs',
  });
  expect(mountAt(mounts, '/mnt')).toBeUndefined();
});
