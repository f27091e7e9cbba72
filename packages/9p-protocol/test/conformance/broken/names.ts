import {
  AT_REMOVEDIR,
  Errno,
  MessageType,
  type RMessage,
  type TMessage,
} from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { failure, success } from './messages.js';

const M = MessageType;

/** What is wrong with removing, renaming, links and names. */
export const names: readonly Defect[] = [
  spoilsRequests(
    'removes and renames are answered and forgotten',
    (request) => (isRemove(request) || isRename(request) ? success(request) : request),
    {
      remove: [
        'a file is gone',
        'an empty directory is gone',
        'a file that is open can be removed by its own fid',
      ],
      unlinkat: ['a file is gone', 'a directory is gone with AT_REMOVEDIR'],
      rename: [
        'a file has the new name and no other',
        'a fid of the file removes it under its new name',
        'a directory has the new name with all that is in it',
      ],
      renameat: [
        'a file that is there is replaced',
        'an empty directory is replaced by a directory',
        'a file moves to another directory',
        'a file replaces one in another directory',
        'a symbolic link moves, not what it leads to',
        'a symbolic link is replaced, not what it leads to',
      ],
      link: ['the other name stays when one is removed'],
      symlink: ['one to a directory is removed as a file is'],
      mknod: ['a named pipe is removed'],
    },
  ),
  forgets('removes are never refused', isRemove, {
    remove: ['a directory with something in it is refused', 'the root stays'],
    unlinkat: [
      'a directory is refused without AT_REMOVEDIR',
      'a file is refused with AT_REMOVEDIR',
      'a directory with something in it is refused',
      'nothing is below a file',
      '. and .. are refused',
    ],
    names: ['a name with a slash is refused by unlinkat'],
  }),
  spoilsRequests(
    'AT_REMOVEDIR is unknown',
    (request) =>
      request.type === M.Tunlinkat && request.flags & AT_REMOVEDIR
        ? failure(Errno.EINVAL)
        : request,
    { unlinkat: ['a directory is gone with AT_REMOVEDIR'] },
  ),
  {
    name: 'fids are lost when names change',
    hooks: () => {
      let changed = false;
      const uses: readonly number[] = [M.Tlopen, M.Tread, M.Twrite];
      const request = (message: TMessage): TMessage | RMessage => {
        if (isRemove(message) || isRename(message)) changed = true;
        return changed && uses.includes(message.type) ? failure(Errno.ESTALE) : message;
      };
      return { request };
    },
    breaks: {
      remove: [
        'who has a file open goes on reading it',
        'who has a file open goes on writing it',
        'other files stay',
      ],
      unlinkat: ['a fid of the file is still there'],
      rename: [
        'a fid of the file follows',
        'an open fid of the file follows',
        'a fid of the file does not take to what has its old name next',
        'fids below a directory follow',
        'Trename moves what its fid names to another directory',
      ],
      renameat: [
        'who has the replaced file open goes on reading it',
        'fids follow to another directory',
      ],
    },
  },
  forgets('renames are never refused', isRename, {
    rename: ['Trename refuses a directory that is none'],
    renameat: [
      'a directory with something in it is not replaced',
      'a directory is not replaced by a file',
      'a file is not replaced by a directory',
      'a directory does not move into itself',
      'nothing moves below a file',
    ],
    names: ['a new name with a slash is refused by renameat'],
  }),
  {
    name: 'a rename removes the old name, even where both are one file',
    hooks: () => ({
      request: (message) =>
        message.type === M.Trenameat
          ? {
              type: M.Tunlinkat,
              tag: 0,
              dirfid: message.olddirfid,
              name: message.oldname,
              flags: 0,
            }
          : message,
      reply: (reply) =>
        reply.type === M.Runlinkat ? { type: M.Rrenameat, tag: reply.tag } : reply,
    }),
    breaks: { renameat: ['two names of one file both stay'] },
  },
  spoilsRequests(
    'links are answered and not made',
    (request) => (request.type === M.Tlink ? success(request) : request),
    {
      link: ['both names are the same file', 'the other name may be in another directory'],
    },
  ),
  forgets(
    'links and special files are made whatever is in the way',
    (request) =>
      request.type === M.Tlink || request.type === M.Tsymlink || request.type === M.Tmknod,
    {
      link: [
        'a name that is there is refused',
        'a directory has one name',
        'no name is made below a file',
      ],
      symlink: ['a name that is there is refused', 'none is made below a file'],
      mknod: ['a name that is there is refused'],
      names: [
        'a name with a slash is refused by symlink',
        'a name with a slash is refused by link',
      ],
    },
  ),
  spoilsReplies(
    'symbolic links lead to /',
    (reply) => (reply.type === M.Rreadlink ? { ...reply, target: '/' } : reply),
    {
      symlink: [
        'leads where it was told to',
        'may lead anywhere, whether it is there or not',
        'may lead far',
      ],
      renameat: ['a symbolic link moves, not what it leads to'],
    },
  ),
  forgets('everything leads somewhere', (request) => request.type === M.Treadlink, {
    symlink: ['what is none leads nowhere', 'a directory leads nowhere'],
  }),
  spoilsRequests(
    'names are split at slashes',
    (request) =>
      request.type === M.Twalk
        ? { ...request, names: request.names.flatMap((name) => name.split('/')) }
        : request,
    { names: ['a name with a slash is not walked to', 'a name with .. in it does not lead out'] },
  ),
  renamed('what is not ASCII is a question mark', (name) => name.replace(/[^\0-\x7f]/g, '?'), {
    names: ['letters of all scripts come back as they were'],
  }),
  renamed('what does not print is a question mark', (name) => name.replace(/[^ -~]/g, '?'), {
    names: ['blanks, quotes and control characters come back as they were'],
  }),
  renamed('letters are composed', (name) => name.normalize('NFC'), {
    names: ['letters composed and decomposed are different names'],
  }),
  renamed('capital letters are small', (name) => name.toLowerCase(), {
    names: ['small and capital letters are different names'],
  }),
  renamed('what is not UTF-8 is replaced', (name) => name.toWellFormed(), {
    names: ['what is not UTF-8 comes back as it was', 'what is not UTF-8 is renamed and removed'],
  }),
  spoilsRequests(
    'names have 100 bytes at most',
    (request) =>
      request.type === M.Tlcreate && request.name.length > 100
        ? failure(Errno.ENAMETOOLONG)
        : request,
    { names: ['255 bytes are not too long'] },
  ),
];

function isRemove(request: TMessage): boolean {
  return request.type === M.Tremove || request.type === M.Tunlinkat;
}

function isRename(request: TMessage): boolean {
  return request.type === M.Trenameat || request.type === M.Trename;
}

/** Changes the names that files are made with. */
function renamed(name: string, change: (name: string) => string, breaks: Defect['breaks']): Defect {
  const request = (message: TMessage): TMessage =>
    message.type === M.Tlcreate ? { ...message, name: change(message.name) } : message;
  return spoilsRequests(name, request, breaks);
}
