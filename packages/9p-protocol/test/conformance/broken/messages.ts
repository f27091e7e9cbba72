import {
  type Attributes,
  type DirectoryEntry,
  decodeDirents,
  encodeDirent,
  MessageType,
  type Qid,
  type RMessage,
  type Stat,
  type TMessage,
} from '../../../src/index.js';

const M = MessageType;
const qid: Qid = { type: 0, version: 0, path: 4711 };
const attributes: Attributes = {
  mode: 0o100644,
  uid: 0,
  gid: 0,
  nlink: 1,
  rdev: 0,
  size: 0,
  blksize: 4096,
  blocks: 0,
  atimeSec: 0,
  atimeNsec: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  ctimeSec: 0,
  ctimeNsec: 0,
  btimeSec: 0,
  btimeNsec: 0,
  gen: 0,
  dataVersion: 0,
};
const stat: Stat = {
  type: 0,
  dev: 0,
  qid,
  mode: 0o644,
  atime: 0,
  mtime: 0,
  length: 0,
  name: 'f',
  uid: 'u',
  gid: 'g',
  muid: 'u',
};
const statistics = {
  type: 1,
  bsize: 4096,
  blocks: 1,
  bfree: 1,
  bavail: 1,
  files: 1,
  ffree: 1,
  fsid: 0,
  namelen: 255,
};
const fields = {
  qid,
  qids: [],
  iounit: 0,
  data: Buffer.alloc(0),
  stat,
  attributes,
  statistics,
  valid: 0x7ff,
  target: 'nowhere',
  size: 0,
  status: 0,
  count: 0,
  aqid: qid,
  lockType: 2,
  start: 0,
  length: 0,
  procId: 0,
  clientId: '',
};

/** What a server answers that says yes to everything. */
export function success(request: TMessage): RMessage {
  const count = 'data' in request ? request.data.length : 0;
  return { ...fields, count, type: request.type + 1, tag: request.tag } as unknown as RMessage;
}

/** A refusal in the dialect that the request is of. */
export function failure(errno: number, linux = true): RMessage {
  if (linux) return { type: M.Rlerror, tag: 0, ecode: errno };
  return { type: M.Rerror, tag: 0, ename: 'broken', errno };
}

export function failed(reply: RMessage): number | undefined {
  if (reply.type === M.Rlerror) return reply.ecode;
  return reply.type === M.Rerror ? reply.errno : undefined;
}

/** The entries of an Rreaddir as others. */
export function relisted(
  reply: RMessage,
  change: (entries: DirectoryEntry[]) => readonly DirectoryEntry[],
): RMessage {
  if (reply.type !== M.Rreaddir) return reply;
  return { ...reply, data: Buffer.concat(change(decodeDirents(reply.data)).map(encodeDirent)) };
}

/** The attributes in an Rgetattr as others. */
export function attributed(
  reply: RMessage,
  change: (attributes: Attributes) => Partial<Attributes>,
): RMessage {
  if (reply.type !== M.Rgetattr) return reply;
  return { ...reply, attributes: { ...reply.attributes, ...change(reply.attributes) } };
}

/** The stat in an Rstat as another. */
export function stated(reply: RMessage, change: (stat: Stat) => Partial<Stat>): RMessage {
  if (reply.type !== M.Rstat) return reply;
  return { ...reply, stat: { ...reply.stat, ...change(reply.stat) } };
}

/** The data of an Rread as others. */
export function rewritten(reply: RMessage, change: (data: Buffer) => Uint8Array): RMessage {
  if (reply.type !== M.Rread) return reply;
  return { ...reply, data: change(Buffer.from(reply.data)) };
}
