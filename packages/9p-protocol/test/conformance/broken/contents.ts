import {
  Errno,
  LinuxOpen,
  MessageType,
  OpenMode,
  type RMessage,
  type TMessage,
} from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { failure, rewritten, success } from './messages.js';

const M = MessageType;

/** What is wrong with opening, reading and writing. */
export const contents: readonly Defect[] = [
  spoilsReplies(
    'bytes that are read are others',
    (reply) => rewritten(reply, (data) => data.map((byte) => byte ^ 0x20)),
    {
      open: ['for reading lets read', 'for both lets do both', 'for executing lets read'],
      mkdir: ['files can be made in it'],
      write: ['every byte comes back as it was', 'the largest message fits', 'the last one counts'],
      remove: ['a name can be used again'],
      rename: ['the name that it has is no change'],
      xattr: [
        'what was set is there',
        'every byte comes back as it was',
        'a later value replaces',
        'a directory has them too',
        'they move with the file',
        'the contents of the file stay as they are',
        'the list has their names',
      ],
    },
  ),
  spoilsReplies(
    'files never end',
    (reply) => rewritten(reply, (data) => (data.length === 0 ? Buffer.from('x') : data)),
    {
      create: ['a new file is empty', 'for reading alone lets read nothing'],
      read: [
        'at the end yields nothing',
        'beyond the end yields nothing',
        'far beyond the end yields nothing',
        'a count of 0 yields nothing',
      ],
    },
  ),
  spoilsReplies(
    'the end of a file is filled with zeros',
    (reply, request) =>
      rewritten(reply, (data) =>
        request.type === M.Tread && data.length > 0
          ? Buffer.concat([data, Buffer.alloc(request.count - data.length)])
          : data,
      ),
    { read: ['across the end yields what there is'] },
  ),
  spoilsRequests(
    'reads yield a byte more',
    (request) => (request.type === M.Tread ? { ...request, count: request.count + 1 } : request),
    { read: ['yields no more than was asked for'] },
  ),
  {
    name: 'reads go on where the last one ended',
    hooks: () => {
      let next = 0;
      const request = (message: TMessage): TMessage => {
        if (message.type !== M.Tread) return message;
        const offset = next;
        next += message.count;
        return { ...message, offset };
      };
      return { request };
    },
    breaks: {
      read: [
        'takes the offset, not where the last one ended',
        'of several in flight each has its own offset',
      ],
      xattr: ['a value is read from any offset'],
    },
  },
  spoilsRequests(
    'writes are answered and lost',
    (request) => (request.type === M.Twrite ? success(request) : request),
    {
      open: ['two fids see what each writes'],
      create: ['makes a file and opens it'],
      read: ['what another connection wrote is seen'],
      write: ['in the middle leaves the rest'],
      link: ['what is written under one name is read under the other'],
    },
  ),
  spoilsRequests(
    'writes go to the beginning',
    (request) => (request.type === M.Twrite ? { ...request, offset: 0 } : request),
    {
      write: [
        'makes the file longer',
        'beyond the end leaves zeros in between',
        'of several in flight each has its own offset',
      ],
    },
  ),
  spoilsRequests(
    'offsets have 32 bits',
    (request) =>
      request.type === M.Tread || request.type === M.Twrite
        ? { ...request, offset: Number(request.offset) % 2 ** 32 }
        : request,
    { write: ['beyond 2^32 is where it says'] },
  ),
  spoilsReplies(
    'holes are filled with what was there before',
    (reply) => rewritten(reply, (data) => data.map((byte) => byte || 0x78)),
    {
      write: ['a hole of a terabyte reads as zeros'],
      change: ['a larger size adds zeros', 'what was cut does not come back'],
    },
  ),
  spoilsReplies(
    'writes tell one byte more than they took',
    (reply) => (reply.type === M.Rwrite ? { ...reply, count: reply.count + 1 } : reply),
    { write: ['answers how many bytes were taken', 'nothing is written by no bytes'] },
  ),
  spoilsRequests(
    'fsync is not there',
    (request) => (request.type === M.Tfsync ? failure(Errno.ENOSYS) : request),
    { fsync: ['an open file is brought to the disk', 'its data alone can be'] },
  ),
  forgets('reads are never refused', (request) => request.type === M.Tread, {
    read: ['a directory is read by Treaddir alone'],
    readdir: ['an offset where no read ended is refused'],
  }),
  forgets(
    'opens are never refused',
    (request) => request.type === M.Tlopen || request.type === M.Topen,
    {
      open: [
        'a fid is opened once',
        'a directory is not opened for writing',
        'O_DIRECTORY refuses what is none',
        'a file that its mode closes is refused',
        'a read-only file is not opened for writing',
        'a read-only file is not truncated by an open',
        'a file for one at a time is refused to a second',
      ],
      mknod: ['a named pipe is never opened', 'a device is never opened'],
    },
  ),
  spoilsReplies(
    'iounit is beyond msize',
    (reply) => (reply.type === M.Rlopen ? { ...reply, iounit: 1 << 20 } : reply),
    { open: ['iounit fits into a message'] },
  ),
  spoilsRequests(
    'O_TRUNC is overlooked',
    (request) => withFlags(request, (flags) => flags & ~LinuxOpen.TRUNC),
    {
      open: ['truncation empties the file'],
      create: ['with O_TRUNC a file that is there is emptied'],
    },
  ),
  spoilsRequests(
    'opening for writing truncates',
    (request) => withFlags(request, (flags) => flags | (flags & 3 ? LinuxOpen.TRUNC : 0)),
    { open: ['without truncation the file stays as it is'] },
  ),
  spoilsRequests(
    'O_APPEND is overlooked',
    (request) => withFlags(request, (flags) => flags & ~LinuxOpen.APPEND),
    { open: ['appending writes go to the end whatever their offset'] },
  ),
  spoilsRequests(
    'O_DIRECTORY is unknown',
    (request) =>
      request.type === M.Tlopen && request.flags & LinuxOpen.DIRECTORY
        ? failure(Errno.EINVAL)
        : request,
    { open: ['O_DIRECTORY lets open a directory'] },
  ),
  {
    name: 'a new mode takes the file from those who have it open',
    hooks: () => {
      let changed = false;
      const request = (message: TMessage): TMessage | RMessage => {
        if (message.type === M.Tsetattr && message.valid & 1) changed = true;
        return message.type === M.Twrite && changed ? failure(Errno.EACCES) : message;
      };
      return { request };
    },
    breaks: { open: ['whoever has a file open goes on when its mode changes'] },
  },
  spoilsRequests(
    'remove on close is overlooked',
    (request) =>
      request.type === M.Topen || request.type === M.Tcreate
        ? { ...request, mode: request.mode & ~OpenMode.REMOVE_ON_CLOSE }
        : request,
    {
      open: ['remove on close removes at the clunk', 'remove on close works for a file just made'],
    },
  ),
  {
    name: 'remove on close removes at once',
    hooks: () => {
      let gone = false;
      const request = (message: TMessage): TMessage | RMessage => {
        if (message.type === M.Topen && message.mode & OpenMode.REMOVE_ON_CLOSE) gone = true;
        return message.type === M.Twalk && gone ? failure(Errno.ENOENT, false) : message;
      };
      return { request };
    },
    breaks: { open: ['remove on close leaves the file until then'] },
  },
];

function withFlags(request: TMessage, change: (flags: number) => number): TMessage {
  if (request.type !== M.Tlopen && request.type !== M.Tlcreate) return request;
  return { ...request, flags: change(request.flags) };
}
