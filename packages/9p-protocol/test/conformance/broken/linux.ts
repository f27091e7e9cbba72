import { LockStatus, LockType, MessageType, type RMessage } from '../../../src/index.js';
import { type Defect, forgets, spoilsReplies, spoilsRequests } from './defect.js';
import { success } from './messages.js';

const M = MessageType;
const { WRLCK, UNLCK } = LockType;

/** What is wrong with extended attributes and locks. */
export const linux: readonly Defect[] = [
  spoilsReplies(
    'extended attributes are said to be longer than they are',
    (reply) => (reply.type === M.Rxattrwalk ? { ...reply, size: Number(reply.size) + 1 } : reply),
    {
      xattr: [
        'Rxattrwalk tells the size',
        'an empty value is one',
        'the list of a new file has none of a user',
      ],
    },
  ),
  forgets('an extended attribute that is not there is empty', isXattrwalk, {
    xattr: [
      'what is not there is refused',
      'nothing with XATTR_REPLACE removes',
      'less than was announced sets nothing',
    ],
  }),
  forgets('a clunk is never refused', (request) => request.type === M.Tclunk, {
    xattr: ['XATTR_CREATE refuses what is there', 'XATTR_REPLACE refuses what is not there'],
  }),
  spoilsRequests(
    'extended attributes are as long as they become',
    (request) => (request.type === M.Txattrcreate ? { ...request, size: 100 } : request),
    { xattr: ['more than was announced is refused'] },
  ),
  locked('locks are granted to all', LockStatus.SUCCESS, {
    lock: [
      'writing keeps others from writing',
      'writing keeps others from reading',
      'reading keeps others from writing',
      'other bytes are free',
      'length 0 reaches to the end',
      'the middle can be given up',
      'a reader becomes a writer',
      'a reader among others does not become a writer',
      'other processes of a client are others',
    ],
  }),
  locked('locks are granted to nobody', LockStatus.BLOCKED, {
    lock: [
      'what is free is taken',
      'reading is shared',
      'what is given up is free',
      'what nobody holds can be given up',
      'nobody is in his own way',
      'a writer becomes a reader, and lets others in',
    ],
  }),
  {
    name: 'what is taken is never given up',
    hooks: () => ({
      request: (message) => {
        const unlocks = message.type === M.Tlock && message.lockType === UNLCK;
        return unlocks || message.type === M.Tclunk ? success(message) : message;
      },
    }),
    breaks: {
      lock: [
        'what is given up is free',
        'the middle can be given up',
        'a clunk gives up what was taken',
      ],
    },
  },
  {
    name: 'a connection that ends leaves its locks',
    hooks: () => {
      let taken = 0;
      return {
        reply: (reply) => {
          if (reply.type !== M.Rlock) return reply;
          return { ...reply, status: taken++ === 0 ? LockStatus.BLOCKED : reply.status };
        },
        request: (message) =>
          message.type === M.Tlock && message.procId === 1
            ? { type: M.Rlock, tag: 0, status: LockStatus.BLOCKED }
            : message,
      };
    },
    breaks: { lock: ['the end of a connection gives up what was taken'] },
  },
  found('getlock finds nobody', UNLCK, { lock: ['getlock tells who is in the way'] }),
  found('getlock finds a writer everywhere', WRLCK, {
    lock: [
      'getlock tells that nobody is in the way',
      'getlock does not tell of readers to a reader',
    ],
  }),
  spoilsRequests(
    'getlock takes what it finds free',
    (message) =>
      message.type === M.Tgetlock ? [{ ...message, type: M.Tlock, flags: 0 }, message] : message,
    { lock: ['getlock takes nothing'] },
  ),
];

function isXattrwalk(request: { readonly type: number }): boolean {
  return request.type === M.Txattrwalk;
}

function locked(name: string, status: number, breaks: Defect['breaks']): Defect {
  const reply = (reply: RMessage): RMessage =>
    reply.type === M.Rlock ? { ...reply, status } : reply;
  return spoilsReplies(name, reply, breaks);
}

function found(name: string, lockType: number, breaks: Defect['breaks']): Defect {
  const reply = (reply: RMessage): RMessage =>
    reply.type === M.Rgetlock ? { ...reply, lockType } : reply;
  return spoilsReplies(name, reply, breaks);
}
