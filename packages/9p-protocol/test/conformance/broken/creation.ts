import {
  Errno,
  LinuxOpen,
  MessageType,
  ModeBit,
  type RMessage,
  type TMessage,
} from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { failure, stated } from './messages.js';

const M = MessageType;

/** What is wrong with making files. */
export const creation: readonly Defect[] = [
  {
    name: 'a fid that made a file means nothing',
    hooks: () => {
      const made = new Set<number>();
      const request = (message: TMessage): TMessage | RMessage => {
        const creates = message.type === M.Tlcreate || message.type === M.Tcreate;
        if (creates) made.add(message.fid);
        const asks =
          message.type === M.Tgetattr || message.type === M.Tstat || message.type === M.Tstatfs;
        return asks && made.has(message.fid)
          ? failure(Errno.ENOENT, message.type !== M.Tstat)
          : message;
      };
      return { request };
    },
    breaks: {
      stat: ['an open file has it too'],
      getattr: ['a file that was removed while open has none'],
      statfs: ['a file has it as well as a directory'],
    },
  },
  {
    name: 'a fid with which a name was made or removed means nothing',
    hooks: () => {
      const spent = new Set<number>();
      const request = (message: TMessage): TMessage | RMessage => {
        if ('fid' in message && spent.has(message.fid)) return failure(Errno.EBADF);
        // The first fid is the root, which every behaviour begins with.
        if (message.type === M.Tmkdir && message.fid !== 0) spent.add(message.fid);
        if (message.type === M.Tunlinkat) spent.add(message.dirfid);
        return message;
      };
      return { request };
    },
    breaks: {
      mkdir: ['fid stays the parent'],
      unlinkat: ['the fid stays the directory'],
    },
  },
  spoilsRequests(
    'permissions of new files are not those asked for',
    (request) => {
      if (request.type === M.Tlcreate) return { ...request, mode: 0o666 };
      return request.type === M.Tmkdir ? { ...request, mode: 0o777 } : request;
    },
    {
      create: ['the permissions are those asked for'],
      mkdir: [
        'the permissions are those asked for',
        'a directory has a sticky bit if it is asked for',
        'nothing is made in a directory that its mode closes',
      ],
    },
  ),
  spoilsReplies(
    'new files are open to everybody',
    (reply) => stated(reply, ({ mode }) => ({ mode: mode | 0o066 })),
    { create: ['the permissions are no more than the directory has'] },
  ),
  {
    name: 'a file is made before its mode is looked at',
    hooks: () => {
      const closed = new Set<number>();
      const request = (message: TMessage): TMessage | RMessage => {
        if (message.type === M.Tlcreate && !(message.mode & 0o200)) closed.add(message.fid);
        return message.type === M.Twrite && closed.has(message.fid)
          ? failure(Errno.EACCES)
          : message;
      };
      return { request };
    },
    breaks: { create: ['a file that nobody may write is written by who makes it'] },
  },
  forgets(
    'names are made whatever is in the way',
    (request) =>
      request.type === M.Tlcreate || request.type === M.Tcreate || request.type === M.Tmkdir,
    {
      create: [
        'a name that is there is refused',
        'a name that a directory has is refused',
        'a refused create leaves fid the directory',
        'nothing is made below a file',
        'a fid that is open is refused',
        'nothing is made in a directory that its mode closes',
      ],
      mkdir: ['a name that is there is refused', 'nothing is made below a file'],
      names: [
        '"a/b" is refused by create',
        '"/" is refused by create',
        '".." is refused by create',
        '"." is refused by create',
        '"" is refused by create',
        '"a\\u0000b" is refused by create',
        '"a/b" is refused by mkdir',
        '".." is refused by mkdir',
        '"." is refused by mkdir',
        '"" is refused by mkdir',
        '256 bytes are too long',
        '128 letters of two bytes are too long',
      ],
    },
  ),
  spoilsRequests(
    'O_EXCL is always meant',
    (request) =>
      request.type === M.Tlcreate ? { ...request, flags: request.flags | LinuxOpen.EXCL } : request,
    { create: ['without O_EXCL a file that is there is opened'] },
  ),
  spoilsRequests(
    'files for appending are none',
    (request) => {
      if (request.type === M.Tcreate) return { ...request, perm: unappended(request.perm) };
      if (request.type !== M.Twstat || request.stat.mode === 0xffff_ffff) return request;
      return { ...request, stat: { ...request.stat, mode: unappended(request.stat.mode) } };
    },
    {
      create: ['a file for appending grows at its end'],
      wstat: ['a file for appending becomes one, and shows it'],
    },
  ),
];

function unappended(mode: number): number {
  return (mode & ~ModeBit.APPEND) >>> 0;
}
