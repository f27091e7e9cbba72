import { type ExecFileException, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { ModeBit } from '../constants.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_MKFIFO_MS } from '../limits.js';
import type { NewFile } from '../server/files.js';
import type { Request } from '../server/request.js';
import {
  type Created,
  found,
  giveGroup,
  giveMode,
  permissionsOf,
  UNSUPPORTED_FLAGS,
} from './create.js';
import { permissionError } from './errors.js';
import type { GraphNode } from './graph-node.js';
import { exists } from './names.js';
import { entryPath, fdPath, O_PATH, PIN } from './paths.js';

const PIPE_OR_SOCKET = ModeBit.NAMED_PIPE | ModeBit.SOCKET;
const OTHER_KINDS = ModeBit.DIR | ModeBit.SYMLINK | ModeBit.DEVICE | ModeBit.LINK;
const EXACT = { bigint: true } as const;
/** What the file is called until it has its name. */
const NEW = 'new';
/** Where a socket listens until it is one that nobody listens at. */
const LISTENING = 'listening';

/** Whether a named pipe or a socket is to be made. */
export function isSpecial({ perm }: NewFile): boolean {
  return (perm & PIPE_OR_SOCKET) !== 0;
}

/**
 * Makes a named pipe or a socket in a directory, where the export has them made. It is not opened: it is for the
 * kernel of the client.
 *
 * It is made in a directory of its own, `.9p-` and 16 digits, which nobody else may enter, and gets its name when it is
 * what was asked for: so whatever the name is, mkfifo(1) does not see it, and the name is never another file's.
 * @throws NinePError (EPERM where none are made, or the file system has none; EROFS, EEXIST, EAGAIN), Node's system
 *   errors
 */
export function createSpecial<N extends GraphNode>(
  directory: N,
  file: NewFile,
  request: Request<string>,
): Promise<Created<N>> {
  const { tree } = directory;
  const { dialect } = request.connection;
  const { perm, name } = file;
  tree.checkWritable();
  const refused =
    perm & (OTHER_KINDS | UNSUPPORTED_FLAGS) || (perm & PIPE_OR_SOCKET) === PIPE_OR_SOCKET;
  if (!tree.specials || refused || dialect === '9P2000') throw permissionError();
  directory.checkRoom();
  if (exists(directory, name)) throw new NinePError('file exists', Errno.EEXIST);
  return tree.makingSpecial(async () => {
    if (request.cancelled) throw request.signal.reason;
    const parent = directory.stats();
    const mode = permissionsOf(file, dialect, Number(parent.mode));
    const fd = openSync(fdPath(directory.descriptor()), O_PATH | constants.O_DIRECTORY);
    try {
      await withPlace(fd, async (place) => {
        await (perm & ModeBit.SOCKET ? makeSocket(place) : makePipe(place));
        setUp(place, (made) => {
          const stats = giveGroup(made, fstatSync(made, EXACT), file.gid, parent);
          giveMode(made, stats, mode);
        });
        linkSync(entryPath(place, NEW), entryPath(fd, name));
      });
    } finally {
      closeSync(fd);
    }
    return { file: found(directory, name), open: {} };
  });
}

/** Makes a directory for a moment, which only this user may enter; `use` gets a descriptor that stands for it. */
async function withPlace(directory: number, use: (place: number) => Promise<void>): Promise<void> {
  const path = entryPath(directory, `.9p-${randomBytes(8).toString('hex')}`);
  mkdirSync(path, 0o700);
  try {
    const place = openSync(path, PIN | constants.O_DIRECTORY);
    try {
      const { uid, mode } = fstatSync(place);
      // Who may write to the directory may have put another in its place.
      if (uid !== process.geteuid!() || (mode & 0o077) !== 0) throw permissionError();
      await use(place);
    } finally {
      for (const name of [NEW, LISTENING]) withoutFail(() => unlinkSync(entryPath(place, name)));
      closeSync(place);
    }
  } finally {
    withoutFail(() => rmdirSync(path));
  }
}

function makePipe(place: number): Promise<void> {
  // The child enters the directory by its copy of the descriptor, which it loses with exec(2).
  const options = {
    cwd: fdPath(place),
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    timeout: MAX_MKFIFO_MS,
    killSignal: 'SIGKILL',
  } as const;
  return new Promise((resolve, reject) => {
    execFile('mkfifo', [NEW], options, (error, _, stderr) => {
      if (error) reject(reasonOf(error, stderr));
      else resolve();
    });
  });
}

/** Why mkfifo(1) made none: what keeps it from starting (EAGAIN, EMFILE) is told as it is. */
function reasonOf(error: ExecFileException, stderr: string): Error {
  if (error.code === 'ENOENT') return new NinePError('mkfifo is not installed', Errno.EPERM);
  if (typeof error.code === 'string') return error;
  if (error.killed) return new NinePError('mkfifo takes too long', Errno.ETIMEDOUT);
  return new NinePError(stderr.trim() || error.message, Errno.EPERM);
}

/** bind(2) makes it, which Node calls for whoever listens. */
async function makeSocket(place: number): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Through the descriptor the path is short: there is room for 107 bytes. A worker of a cluster must not ask the primary.
    server.listen({ path: String(entryPath(place, LISTENING)), exclusive: true }, resolve);
  });
  try {
    // Node takes away the name at which it listened.
    renameSync(entryPath(place, LISTENING), entryPath(place, NEW));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

function setUp(place: number, change: (fd: number) => void): void {
  const fd = openSync(entryPath(place, NEW), PIN);
  try {
    change(fd);
  } finally {
    closeSync(fd);
  }
}

/** What is to be taken away was never made, or has gone already. */
function withoutFail(act: () => void): void {
  try {
    act();
  } catch {
    // What counts was done, or has failed by itself.
  }
}
