import { MessageType } from '../../constants.js';
import { GetattrMask, SetattrMask } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import type { Tsetattr } from '../../messages.js';
import { about, type Behaviour, linux } from '../behaviour.js';
import { expect, refused, same, unknown } from '../expect.js';
import { noChange } from '../requests.js';
import type { Subject } from '../subject.js';

const { EPERM } = Errno;
const M = MessageType;
const PAST = 1_000_000_000;

export const change: readonly Behaviour[] = about('change', [
  {
    name: 'permissions are set',
    run: async (s) => {
      await s.file('f');
      await s.change(await s.walk('f'), { permissions: 0o604 });
      same((await s.infoOf('f')).permissions, 0o604, 'permissions');
    },
  },
  {
    name: 'permissions of an open file are set',
    run: async (s) => {
      const fid = await s.create('f');
      await s.change(fid, { permissions: 0o600 });
      same((await s.info(fid)).permissions, 0o600, 'permissions');
    },
  },
  {
    name: 'permissions alone change nothing else',
    run: async (s) => {
      await s.file('f', 'text');
      await s.change(await s.walk('f'), { mtime: PAST });
      await s.change(await s.walk('f'), { permissions: 0o600 });
      const { size, mtime, directory } = await s.infoOf('f');
      same({ size, mtime, directory }, { size: 4, mtime: PAST, directory: false }, 'attributes');
    },
  },
  {
    name: 'a smaller size cuts the file',
    run: async (s) => {
      await s.file('f', 'text');
      await s.change(await s.walk('f'), { size: 2 });
      same(await s.text('f'), 'te', 'contents');
    },
  },
  {
    name: 'a larger size adds zeros',
    run: async (s) => {
      await s.file('f', 'text');
      await s.change(await s.walk('f'), { size: 6 });
      same(await s.text('f'), 'text\0\0', 'contents');
    },
  },
  {
    name: 'what was cut does not come back',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.walk('f');
      await s.change(fid, { size: 1 });
      await s.change(fid, { size: 4 });
      same(await s.text('f'), 't\0\0\0', 'contents');
    },
  },
  {
    name: 'a size of 0 empties the file',
    run: async (s) => {
      await s.file('f', 'text');
      await s.change(await s.walk('f'), { size: 0 });
      same((await s.infoOf('f')).size, 0, 'size');
    },
  },
  {
    name: 'a size beyond 2^32 is set',
    run: async (s) => {
      await s.file('f', 'text');
      await s.change(await s.walk('f'), { size: 2 ** 33 + 1 });
      same((await s.infoOf('f')).size, 2 ** 33 + 1, 'size');
    },
  },
  {
    name: 'a directory has no size to be set',
    run: async (s) => refused(s.change(s.dir, { size: 10 }), 'a size for a directory'),
  },
  {
    name: 'the time of the last change is set',
    run: async (s) => {
      await s.file('f');
      await s.change(await s.walk('f'), { mtime: PAST });
      same((await s.infoOf('f')).mtime, PAST, 'mtime');
    },
  },
  {
    name: 'both times are set',
    run: async (s) => {
      await s.file('f');
      await s.change(await s.walk('f'), { mtime: PAST, atime: PAST + 1 });
      const { mtime, atime } = await s.infoOf('f');
      same({ mtime, atime }, { mtime: PAST, atime: PAST + 1 }, 'times');
    },
  },
  {
    name: 'the time of a directory is set',
    run: async (s) => {
      await s.mkdir('d');
      await s.change(await s.walk('d'), { mtime: PAST });
      same((await s.infoOf('d')).mtime, PAST, 'mtime');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(s.change(54_321, { mtime: PAST }), 'a change'),
  },
  {
    name: 'the file of another user is not given away',
    needs: ['permissions'],
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await refused(set(s, 'f', { valid: SetattrMask.UID, uid: 0 }), 'chown to root', EPERM);
    },
  },
]);

export const setattr: readonly Behaviour[] = about('setattr', [
  {
    name: 'nothing is changed by no bits',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'text');
      await set(s, 'f', { valid: 0, mode: 0o777, size: 1, mtimeSec: 1, atimeSec: 1 });
      const { permissions, size, mtime } = await s.infoOf('f');
      same({ permissions, size }, { permissions: 0o644, size: 4 }, 'attributes');
      expect(mtime !== 1, 'mtime was set');
    },
  },
  {
    name: 'several attributes are set at once',
    dialects: linux,
    run: async (s) => {
      await s.file('f', 'text');
      const valid = SetattrMask.MODE | SetattrMask.SIZE | SetattrMask.MTIME | SetattrMask.MTIME_SET;
      await set(s, 'f', { valid, mode: 0o600, size: 2, mtimeSec: PAST });
      const { permissions, size, mtime } = await s.infoOf('f');
      const wanted = { permissions: 0o600, size: 2, mtime: PAST };
      same({ permissions, size, mtime }, wanted, 'attributes');
    },
  },
  {
    name: 'one time is set without the other',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await s.change(await s.walk('f'), { mtime: PAST, atime: PAST });
      await set(s, 'f', { valid: SetattrMask.ATIME | SetattrMask.ATIME_SET, atimeSec: 5 });
      const { mtime, atime } = await s.infoOf('f');
      same({ mtime, atime }, { mtime: PAST, atime: 5 }, 'times');
    },
  },
  {
    name: 'a time without a value is the present',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await s.change(await s.walk('f'), { mtime: PAST });
      await set(s, 'f', { valid: SetattrMask.MTIME, mtimeSec: 5 });
      expect(Number((await s.infoOf('f')).mtime) > PAST, 'mtime is not the present');
    },
  },
  {
    name: 'a time is set to the millisecond',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      const nsec = await nanosecondsSet(s, 250_000_000);
      expect(Math.abs(nsec - 250_000_000) < 1e6, `${nsec} nanoseconds`);
    },
  },
  {
    name: 'a time is set to the nanosecond',
    dialects: linux,
    needs: ['nanoseconds'],
    run: async (s) => {
      await s.file('f');
      same(await nanosecondsSet(s, 123_456_789), 123_456_789, 'nanoseconds');
    },
  },
  {
    name: 'set-id and sticky bits are set',
    dialects: linux,
    run: async (s) => {
      await s.mkdir('d');
      await set(s, 'd', { valid: SetattrMask.MODE, mode: 0o1700 });
      same((await getattr(s, 'd')).mode, 0o41700, 'mode');
    },
  },
  {
    name: 'the kind of file stays whatever the mode says',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await set(s, 'f', { valid: SetattrMask.MODE, mode: 0o40600 }).catch(() => undefined);
      same((await s.infoOf('f')).directory, false, 'f is a directory');
    },
  },
  {
    name: 'owner and group are set',
    dialects: linux,
    needs: ['owner'],
    run: async (s) => {
      await s.file('f');
      await set(s, 'f', { valid: SetattrMask.UID | SetattrMask.GID, uid: 1234, gid: 5678 });
      const { uid, gid } = await getattr(s, 'f');
      same({ uid, gid }, { uid: 1234, gid: 5678 }, 'owner and group');
    },
  },
]);

async function set(s: Subject, name: string, changes: Partial<Tsetattr>): Promise<void> {
  await s.call({ ...noChange, fid: await s.walk(name), ...changes });
}

async function getattr(s: Subject, name: string) {
  const requestMask = GetattrMask.BASIC;
  const fid = await s.walk(name);
  return (await s.call({ type: M.Tgetattr, fid, requestMask })).attributes;
}

async function nanosecondsSet(s: Subject, mtimeNsec: number): Promise<number> {
  const valid = SetattrMask.MTIME | SetattrMask.MTIME_SET;
  await set(s, 'f', { valid, mtimeSec: PAST, mtimeNsec });
  return (await getattr(s, 'f')).mtimeNsec;
}
