import { Errno, MessageType, type Qid, type RMessage, type TMessage } from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { failure } from './messages.js';

const M = MessageType;

/** What is wrong with walks and qids. */
export const walks: readonly Defect[] = [
  spoilsReplies(
    'the last qid of a long walk is missing',
    (reply) =>
      reply.type === M.Rwalk && reply.qids.length > 1
        ? { ...reply, qids: reply.qids.slice(0, -1) }
        : reply,
    {
      walk: ['each name yields a qid, in order', 'sixteen names go in one walk'],
    },
  ),
  spoilsReplies(
    'a walk without names yields a qid',
    (reply) =>
      reply.type === M.Rwalk && reply.qids.length === 0
        ? { ...reply, qids: [{ type: 0, version: 0, path: 1 }] }
        : reply,
    { walk: ['no names yield no qids'] },
  ),
  spoilsRequests(
    'a walk without names leads to the parent',
    (request) =>
      request.type === M.Twalk && request.names.length === 0 && request.fid !== request.newfid
        ? { ...request, names: ['..'] }
        : request,
    { walk: ['no names make a second fid of the same file'] },
  ),
  spoilsRequests(
    'newfid may not be fid',
    (request) =>
      request.type === M.Twalk && request.fid === request.newfid ? failure(Errno.EINVAL) : request,
    {
      walk: [
        'newfid may be fid, which moves',
        'newfid may be fid without names',
        'a walk that ends early leaves fid where it was',
      ],
    },
  ),
  spoilsRequests(
    'one name leads nowhere',
    (request) =>
      request.type === M.Twalk && request.names[0] === 'f' ? { ...request, names: [] } : request,
    { walk: ['a name leads to the file'] },
  ),
  changedQids('qids of walks have no type', (qid) => ({ ...qid, type: 0 }), {
    walk: ['the qid of a directory says so, that of a file does not'],
    symlink: ['the qid says what it is'],
  }),
  {
    name: 'qid.path is another at each walk',
    hooks: () => {
      let count = 0;
      const reply = (reply: RMessage): RMessage => {
        if (reply.type !== M.Rwalk) return reply;
        return { ...reply, qids: reply.qids.map((qid) => ({ ...qid, path: 1e9 + count++ })) };
      };
      return { reply };
    },
    breaks: {
      walk: [
        'a file has the same qid.path whenever it is walked to',
        '.. yields the qid of the parent',
        'a refused newfid keeps its file',
      ],
      open: ['the qid is that of the walk'],
      create: ['the qid is that of the file', 'fid is the new file afterwards'],
      mkdir: ['the qid is that of the directory', 'fid is the new directory, open for reading'],
      stat: ['the qid is that of the walk', 'qid.path stays whatever changes'],
      readdir: ['qids are those of a walk', '. and .. are told, with their qids'],
      rename: ['a file stays the same file'],
      renameat: ['a directory that moved has another parent'],
      link: ['both names are the same file'],
    },
  },
  changedQids('all files have one qid.path', (qid) => ({ ...qid, path: 7 }), {
    walk: ['two files have two qid.paths', 'a symbolic link is not followed at the end'],
  }),
  spoilsReplies('qid.path counts names, not files', byName, {
    create: ['two files of one name, one after the other, have two qid.paths'],
  }),
  changedQids('qid.version is always 0', (qid) => ({ ...qid, version: 0 }), {
    stat: ['qid.version counts changes'],
  }),
  forgets('what is not there is found', (_, errno) => errno === Errno.ENOENT, {
    walk: ['a first name that is not there is refused', 'a refused walk leaves newfid free'],
    create: ['nothing is made in a directory that is gone'],
    remove: ['what is gone is not removed twice'],
    unlinkat: ['a name that is not there is refused'],
    renameat: ['a name that is not there is refused'],
  }),
  spoilsReplies(
    'a walk that ends early is refused',
    (reply, request) =>
      reply.type === M.Rwalk && request.type === M.Twalk && reply.qids.length < request.names.length
        ? { ...failure(Errno.ENOENT), tag: reply.tag }
        : reply,
    {
      walk: [
        'a later name that is not there ends the walk before it',
        'a walk through a file ends at it',
        '.. does not lead back from a file',
      ],
    },
  ),
  spoilsRequests(
    'a walk that ends early makes its fid where it ends',
    (request) =>
      request.type === M.Twalk && request.names[1] === 'nothing'
        ? { ...request, names: request.names.slice(0, 1) }
        : request,
    { walk: ['a walk that ends early makes no newfid'] },
  ),
  forgets('a walk is never refused', (request) => request.type === M.Twalk, {
    walk: [
      'a newfid in use is refused',
      'nothing is below a file',
      'a fid that is open is refused',
    ],
  }),
  spoilsRequests(
    '.. stays where it is',
    (request) =>
      request.type === M.Twalk
        ? { ...request, names: request.names.filter((name) => name !== '..') }
        : request,
    {
      walk: [
        '.. leads to the parent',
        '.. at the root stays there',
        '.. leads on in the middle of a walk',
      ],
    },
  ),
  {
    name: 'a walk follows symbolic links',
    hooks: () => {
      const targets = new Map<string, string>();
      const request = (message: TMessage): TMessage => {
        if (message.type === M.Tsymlink) targets.set(message.name, message.target);
        if (message.type !== M.Twalk) return message;
        return { ...message, names: message.names.map((name) => targets.get(name) ?? name) };
      };
      return { request };
    },
    breaks: {
      walk: ['a symbolic link is not followed on the way'],
      open: ['a symbolic link is not opened'],
      symlink: ['is removed without what it leads to'],
    },
  },
  forgets(
    'a fid that nobody made is taken for one',
    (request, errno) =>
      (errno === Errno.EBADF || errno === Errno.EIO) && request.type !== M.Tattach,
    {
      walk: ['an unknown fid is refused'],
      fids: [
        'an unknown one is not clunked',
        'one is clunked once',
        'what was clunked means nothing',
        'those of one connection mean nothing on another',
      ],
      open: [
        'for reading does not let write',
        'for writing does not let read',
        'what is not open cannot be read',
        'what is not open cannot be written',
        'an unknown fid is refused',
      ],
      create: ['an unknown fid is refused'],
      read: ['an unknown fid is refused'],
      write: ['an unknown fid is refused', 'a directory is not written'],
      fsync: ['an unknown fid is refused'],
      readdir: ['a directory that is not open is refused'],
      stat: ['an unknown fid is refused'],
      statfs: ['an unknown fid is refused'],
      change: ['an unknown fid is refused'],
      remove: [
        'an unknown fid is refused',
        'the fid is free afterwards',
        'the fid is free even if it is refused',
      ],
      unlinkat: ['an unknown fid is refused'],
      renameat: ['an unknown fid is refused'],
      link: ['an unknown fid is refused'],
      symlink: ['readlink of an unknown fid is refused'],
      xattr: ['a refused Txattrwalk leaves newfid free', 'the fid is free after its clunk'],
      lock: ['an unknown fid is refused'],
    },
  ),
];

function changedQids(name: string, change: (qid: Qid) => Qid, breaks: Defect['breaks']): Defect {
  const reply = (reply: RMessage): RMessage =>
    reply.type === M.Rwalk ? { ...reply, qids: reply.qids.map(change) } : reply;
  return spoilsReplies(name, reply, breaks);
}

/** The same number for all files but directories. */
function byName(reply: RMessage): RMessage {
  const named = (qid: Qid): Qid => (qid.type === 0 ? { ...qid, path: 4711 } : qid);
  if (reply.type === M.Rwalk) return { ...reply, qids: reply.qids.map(named) };
  return reply.type === M.Rgetattr ? { ...reply, qid: named(reply.qid) } : reply;
}
