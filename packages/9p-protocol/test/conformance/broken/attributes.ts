import {
  dontTouch,
  Errno,
  FileMode,
  MessageType,
  NONUNAME,
  type RMessage,
  SetattrMask,
  type Stat,
  type TMessage,
} from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { attributed, stated } from './messages.js';

const M = MessageType;
const PAST = 1_000_000_000;

/** What is wrong with attributes and their changes. */
export const attributes: readonly Defect[] = [
  spoilsReplies(
    'sizes are one byte more',
    (reply) => attributed(reply, ({ size }) => ({ size: Number(size) + 1 })),
    {
      fids: ['a thousand live at a time'],
      stat: ['the size is what was written'],
      symlink: ['the size is that of where it leads'],
    },
  ),
  shown('lengths are one byte more', ({ length }) => ({ length: Number(length) + 1 }), {
    readdir: ['entries are what Tstat tells'],
    stat: ['a directory has no length'],
  }),
  spoilsReplies(
    'the time of the last change stands still',
    (reply) => attributed(reply, () => ({ mtimeSec: PAST })),
    {
      stat: [
        'a write makes the time of the last change advance',
        'a new name makes the time of the directory advance',
        'a name that goes makes the time of the directory advance',
      ],
      setattr: ['a time without a value is the present'],
    },
  ),
  {
    name: 'a read counts as a change',
    hooks: () => {
      let read = false;
      return {
        request: (message) => {
          if (message.type === M.Tread) read = true;
          return message;
        },
        reply: (reply) => (read ? attributed(reply, () => ({ mtimeSec: 2 * PAST })) : reply),
      };
    },
    breaks: { stat: ['a read leaves the time of the last change'] },
  },
  shown('all files have one name', () => ({ name: 'file' }), {
    stat: ['the name is that of the walk'],
    rename: ['stat tells the new name through fids of before'],
  }),
  shown('the qid of a stat has no type', ({ qid }) => ({ qid: { ...qid, type: 0 } }), {
    stat: ['the mode says what the qid does'],
  }),
  shown('owners have no names', () => ({ uid: '', gid: '' }), {
    stat: ['owner and group have names'],
  }),
  shown('owners have no numbers', () => ({ nUid: NONUNAME, nGid: NONUNAME }), {
    stat: ['owner and group have numbers'],
  }),
  shown('devices have no numbers', () => ({ extension: '' }), {
    mknod: ['a device tells its numbers in its extension'],
  }),
  spoilsReplies(
    'no attribute is valid',
    (reply) => (reply.type === M.Rgetattr ? { ...reply, valid: 0 } : reply),
    { getattr: ['what is asked for is valid'] },
  ),
  spoilsReplies('every file has five names', (reply) => attributed(reply, () => ({ nlink: 5 })), {
    getattr: ['a new file has one name', 'a file that was removed while open has none'],
    link: ['the names are counted'],
  }),
  spoilsReplies('all is owned by 4242', (reply) => attributed(reply, () => ({ uid: 4242 })), {
    getattr: ['the owner is who made the file'],
    setattr: ['owner and group are set'],
  }),
  spoilsReplies(
    'holes are counted',
    (reply) => attributed(reply, ({ size }) => ({ blocks: Math.ceil(Number(size) / 512) })),
    { getattr: ['a hole takes no blocks'] },
  ),
  spoilsReplies('blocks have no size', (reply) => attributed(reply, () => ({ blksize: 0 })), {
    getattr: ['the size of a block is told'],
  }),
  spoilsReplies(
    'times have two thousand million nanoseconds',
    (reply) => attributed(reply, () => ({ mtimeNsec: 2e9 })),
    { getattr: ['nanoseconds are less than a second'] },
  ),
  spoilsReplies('ctime is 1970', (reply) => attributed(reply, () => ({ ctimeSec: 0 })), {
    getattr: ['a write makes ctime no less than mtime'],
  }),
  spoilsReplies(
    'statfs tells of no size, and of more free than there is',
    (reply) =>
      reply.type === M.Rstatfs
        ? { ...reply, statistics: { ...reply.statistics, bsize: 0, bfree: 2 ** 50 } }
        : reply,
    {
      statfs: [
        'blocks have a size, and names of usual length fit',
        'no more is free than there is',
      ],
    },
  ),
  set('permissions are not set', (set) => ({ valid: set.valid & ~SetattrMask.MODE }), {
    change: ['permissions are set', 'permissions of an open file are set'],
    setattr: ['several attributes are set at once', 'set-id and sticky bits are set'],
  }),
  set(
    'new permissions empty the file',
    ({ valid }) => (valid === SetattrMask.MODE ? { valid: valid | SetattrMask.SIZE, size: 0 } : {}),
    { change: ['permissions alone change nothing else'] },
  ),
  set('sizes are not set', (set) => ({ valid: set.valid & ~SetattrMask.SIZE }), {
    read: ['a file that was cut ends where it was cut'],
    change: [
      'a smaller size cuts the file',
      'a larger size adds zeros',
      'a size of 0 empties the file',
      'a size beyond 2^32 is set',
    ],
  }),
  set(
    'the time of the last change is not set',
    (set) => ({ valid: set.valid & ~SetattrMask.MTIME }),
    {
      change: [
        'the time of the last change is set',
        'both times are set',
        'the time of a directory is set',
      ],
    },
  ),
  set('no bits mean all of them', ({ valid }) => (valid === 0 ? { valid: 0x1b9 } : {}), {
    setattr: ['nothing is changed by no bits'],
  }),
  set(
    'both times are set or none',
    ({ valid }) => (valid & SetattrMask.ATIME ? { valid: valid | 0x120 } : {}),
    { setattr: ['one time is set without the other'] },
  ),
  set(
    'a time without a value is taken from the message',
    ({ valid }) => ({ valid: valid | SetattrMask.MTIME_SET }),
    { setattr: ['a time without a value is the present'] },
  ),
  set('times are set in seconds', () => ({ mtimeNsec: 0 }), {
    setattr: ['a time is set to the millisecond', 'a time is set to the nanosecond'],
  }),
  forgets('Tsetattr is never refused', (request) => request.type === M.Tsetattr, {
    change: ['a directory has no size to be set', 'the file of another user is not given away'],
  }),
  wset(
    'a stat that touches nothing takes permissions away',
    (stat) =>
      stat.mode === dontTouch.mode && stat.name === '' ? { mode: FileMode.PERMISSIONS } : {},
    { wstat: ['a stat that touches nothing changes nothing'] },
  ),
  {
    name: 'the mode is set before the rest is looked at',
    hooks: () => ({
      request: (message) => {
        if (message.type !== M.Twstat || message.stat.mode === dontTouch.mode) return message;
        const stat = { ...dontTouch, mode: message.stat.mode };
        return [{ ...message, stat }, message];
      },
    }),
    breaks: {
      wstat: [
        'all is changed or nothing',
        'a name that cannot be leaves the rest as it is',
        'a name that is there leaves the rest as it is',
      ],
    },
  },
  wset('lengths are not set', () => ({ length: dontTouch.length }), {
    wstat: ['name, mode and length are changed at once'],
  }),
  wset('names are not set', () => ({ name: '' }), { wstat: ['an open file is renamed'] }),
  forgets('Twstat is never refused', (request) => request.type === M.Twstat, {
    wstat: [
      'the type of a device is not changed',
      'the number of a device is not changed',
      'the qid is not changed',
      'a file does not become a directory',
      'a directory that its mode closes keeps its names',
    ],
    rename: ['a name that is there is refused', 'the root has no other name'],
    names: ['a new name with a slash is refused by wstat'],
  }),
  forgets('what is forbidden is done', (_, errno) => errno === Errno.EACCES, {
    remove: ['a directory that its mode closes keeps its files'],
  }),
];

/** Spoils what Rstat tells. */
function shown(name: string, change: (stat: Stat) => Partial<Stat>, breaks: Defect['breaks']) {
  return spoilsReplies(name, (reply: RMessage) => stated(reply, change), breaks);
}

type Tsetattr = Extract<TMessage, { type: 26 }>;

/** Spoils what Tsetattr asks for. */
function set(
  name: string,
  change: (request: Tsetattr) => Partial<Tsetattr>,
  breaks: Defect['breaks'],
): Defect {
  const request = (message: TMessage): TMessage =>
    message.type === M.Tsetattr ? { ...message, ...change(message) } : message;
  return spoilsRequests(name, request, breaks);
}

/** Spoils what Twstat asks for. */
function wset(
  name: string,
  change: (stat: Stat) => Partial<Stat>,
  breaks: Defect['breaks'],
): Defect {
  const request = (message: TMessage): TMessage =>
    message.type === M.Twstat
      ? { ...message, stat: { ...message.stat, ...change(message.stat) } }
      : message;
  return spoilsRequests(name, request, breaks);
}
