import { MessageType, ModeBit } from '../constants.js';
import { FileMode } from '../constants-linux.js';
import type { Subject } from './subject.js';

const M = MessageType;

/** Makes a symbolic link, in 9P2000.u and 9P2000.L. */
export async function makeSymlink(
  s: Subject,
  name: string,
  target: string,
  from = s.dir,
): Promise<void> {
  if (s.linux) await s.call({ type: M.Tsymlink, fid: from, name, target, gid: s.gid });
  else await special(s, name, ModeBit.SYMLINK | 0o777, target, from);
}

/** Where a symbolic link leads. */
export async function readLink(s: Subject, name: string): Promise<string> {
  const fid = await s.walk(name);
  if (s.linux) return (await s.call({ type: M.Treadlink, fid })).target;
  return (await s.call({ type: M.Tstat, fid })).stat.extension ?? '';
}

/** Gives the file of a fid a further name. */
export async function makeLink(s: Subject, fid: number, name: string, from = s.dir): Promise<void> {
  if (s.linux) await s.call({ type: M.Tlink, dfid: from, fid, name });
  else await special(s, name, ModeBit.LINK | 0o644, String(fid), from);
}

/** Makes a named pipe. */
export async function makeFifo(s: Subject, name: string): Promise<void> {
  if (!s.linux) return special(s, name, ModeBit.NAMED_PIPE | 0o644, '', s.dir);
  const mode = FileMode.FIFO | 0o644;
  await s.call({ type: M.Tmknod, fid: s.dir, name, mode, major: 0, minor: 0, gid: s.gid });
}

/** Makes a device of characters. */
export async function makeDevice(
  s: Subject,
  name: string,
  major: number,
  minor: number,
): Promise<void> {
  if (!s.linux) return special(s, name, ModeBit.DEVICE | 0o600, `c ${major} ${minor}`, s.dir);
  const mode = FileMode.CHARACTER_DEVICE | 0o600;
  await s.call({ type: M.Tmknod, fid: s.dir, name, mode, major, minor, gid: s.gid });
}

async function special(
  s: Subject,
  name: string,
  perm: number,
  extension: string,
  from: number,
): Promise<void> {
  const fid = await s.walk([], from);
  await s.call({ type: M.Tcreate, fid, name, perm, mode: 0, extension });
  await s.clunk(fid);
}
