import { MessageType, ModeBit, OpenMode, QidType } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import type { RMessage, Tcreate, Topen, Twstat } from '../messages.js';
import { attributeChangesOf } from './attributes.js';
import { chain } from './awaitable.js';
import { checkClosed, directoryOf, type Fid, fileOf } from './fids.js';
import type { Awaitable, ServerFile, StatChanges } from './files.js';
import type { FidKeeper } from './keeper.js';
import { link, rename } from './names.js';
import { denied, isDirectory } from './refusals.js';
import { type Reply, statReply } from './replies.js';
import type { Request } from './request.js';
import { checkName } from './walk.js';
import { statChanges } from './wstat.js';

const RWSTAT: RMessage = { type: MessageType.Rwstat, tag: 0 };

/** Topen: open(5). */
export function open<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  { mode }: Topen,
): Awaitable<Reply> {
  const file = fileOf(fid);
  checkClosed(fid);
  const removes = (mode & OpenMode.REMOVE_ON_CLOSE) !== 0;
  if (file.qid.type & QidType.DIR && (removes || !opensDirectory(mode))) throw isDirectory();
  if (!file.open) throw denied();
  return chain(file.open(mode, request), (open) => {
    keeper.opened(fid, open, mode);
    return { type: MessageType.Ropen, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
  });
}

/** Tcreate: open(5). */
export function create<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Tcreate,
): Awaitable<Reply> {
  const { name, perm, mode, extension } = message;
  fileOf(fid);
  checkClosed(fid);
  checkName(name);
  const directory = directoryOf(fid);
  if (!directory.create) throw denied();
  // Found out when it is opened, it would be there all the same.
  if (perm & ModeBit.DIR && !opensDirectory(mode)) throw isDirectory();
  const asked = { name, perm, mode, extension, exclusive: true, gid: undefined };
  return chain(directory.create(asked, request), ({ file, open }) => {
    keeper.opened(fid, open, mode);
    keeper.bind(fid, file);
    return { type: MessageType.Rcreate, tag: 0, qid: file.qid, iounit: open.iounit ?? 0 };
  });
}

/** The number of the fid that a Tcreate of 9P2000.u makes a hard link to, undefined if it makes none. */
export function linkedFid({ perm, extension }: Tcreate): number | undefined {
  if (!(perm & ModeBit.LINK)) return undefined;
  // Linux puts a newline behind it.
  const match = /^(\d{1,10})\n?$/.exec(extension);
  if (!match) throw new NinePError('extension is not the number of a fid', Errno.EINVAL);
  return Number(match[1]);
}

/** Tcreate of a hard link: `fid` names the new name afterwards, as with npfs, and is not open. */
export async function createLink<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  linked: Fid<User>,
  { name }: Tcreate,
): Promise<Reply> {
  checkClosed(fid);
  const directory = directoryOf(fid);
  const file = fileOf(linked);
  await link(file, directory, name, request);
  const made = (await directory.walk?.(name, request)) ?? file;
  keeper.bind(fid, made);
  return { type: MessageType.Rcreate, tag: 0, qid: made.qid, iounit: 0 };
}

/** Tstat: stat(5). */
export function stat<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
): Awaitable<Reply> {
  const { msize, dialect } = keeper.connection;
  const told = fileOf(fid).stat(request);
  if (told instanceof Promise) return told.then((stat) => statReply(stat, dialect!, msize));
  return statReply(told, dialect!, msize);
}

/** Twstat: stat(5). */
export function wstat<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  fid: Fid<User>,
  message: Twstat,
): Awaitable<Reply> {
  const file = fileOf(fid);
  const changes = statChanges(message.stat);
  if (changes.name !== undefined) checkName(changes.name);
  if (Object.keys(changes).length === 0) return RWSTAT;
  const replaces = keeper.connection.dialect !== '9P2000';
  const changed = file.wstat
    ? file.wstat(changes, request)
    : changeByParts(file, changes, replaces, request);
  return chain(changed, () => RWSTAT);
}

/** Whether a directory can be opened like that: to be read, and nothing else. */
function opensDirectory(mode: number): boolean {
  return (mode & OpenMode.ACCESS_MASK) === OpenMode.READ && !(mode & OpenMode.TRUNCATE);
}

/**
 * Makes a wstat of rename and setattr, all or nothing. In 9P2000.u a file that has the new name already is replaced,
 * which Linux expects of it; stat(5) forbids that, and it could not be undone, so not together with other changes.
 */
async function changeByParts<User>(
  file: ServerFile<User>,
  changes: StatChanges,
  replaces: boolean,
  request: Request<User>,
): Promise<void> {
  if (!file.setattr && !file.rename) throw denied();
  const before = await file.stat(request);
  const attributes = attributeChangesOf(changes, before, file.qid);
  if (attributes && !file.setattr) throw denied();
  const { name } = changes;
  if (name === undefined || name === before.name) {
    if (attributes) await file.setattr!(attributes, request);
    return;
  }
  const directory = file.parent;
  if (!file.rename || !directory) throw denied();
  if ((!replaces || attributes) && (await directory.walk?.(name, request))) {
    throw new NinePError('file exists', Errno.EEXIST);
  }
  await rename(file, directory, name, request);
  try {
    if (attributes) await file.setattr!(attributes, request);
  } catch (error) {
    await rename(file, directory, before.name, request);
    throw error;
  }
}
