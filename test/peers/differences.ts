/** A behaviour of our conformance suite that diod 1.0.24 does not have. */
export interface Difference {
  /** How the suite calls it. */
  readonly behaviour: string;
  /** What diod does instead, and why that is diod's. */
  readonly reason: string;
  /** diod answers nobody any more afterwards. */
  readonly hangs?: boolean;
}

const PATHS =
  'a fid of diod is a path, which it does not follow when the file gets another: fids that others hold go stale';
const OPEN_DESCRIPTION =
  'diod locks with flock(2), which knows whole files and no holder: ranges and owners are not looked at';
const UNCHECKED =
  'diod puts names into paths as they come, NUL and slashes included, and leaves it to its export to be harmless';

/** Every behaviour that diod fails; one that it has fails the test. */
export const differences: readonly Difference[] = [
  {
    behaviour: 'version: what is not 9P2000 is answered by unknown',
    reason: 'diod refuses a version that it does not know by an error',
  },
  {
    behaviour: 'version: a suffix that nobody knows is not agreed to',
    reason: 'the same: it offers no lesser dialect, because 9P2000.L is all it has',
  },
  {
    behaviour: 'version: a second Tversion clunks all fids',
    reason: 'diod goes on with the fids that there are',
  },
  {
    behaviour: 'version: nothing is granted before Tversion',
    reason: 'diod has but one dialect and does not wait to be told',
  },
  {
    behaviour: 'attach: a fid that is in use is refused',
    reason: 'diod takes it for one that the client forgot to clunk, and gives it the new file',
  },
  {
    behaviour: 'walk: a newfid in use is refused',
    reason: 'the same',
  },
  {
    behaviour: 'walk: a refused newfid keeps its file',
    reason: 'the same',
  },
  {
    behaviour: 'walk: a walk that ends early makes no newfid',
    reason: 'diod leaves newfid where the walk ended',
  },
  {
    behaviour: 'walk: a walk that ends early leaves fid where it was',
    reason: 'diod moves fid to where the walk ended',
  },
  {
    behaviour: 'walk: .. at the root stays there',
    reason: 'diod walks above what it exports: what is exported is no boundary to it',
  },
  {
    behaviour: 'open: a symbolic link is not opened',
    reason: 'diod follows it on the server, where open(2) does',
  },
  {
    behaviour: 'readdir: a file is none',
    reason: 'diod says EINVAL where we, as getdents(2), say ENOTDIR',
  },
  {
    behaviour: 'stat: qid.version counts changes',
    reason: 'diod has version 0 for all files',
  },
  { behaviour: 'getattr: a file that was removed while open has none', reason: PATHS },
  { behaviour: 'rename: a fid of the file follows', reason: PATHS },
  { behaviour: 'rename: a fid of the file removes it under its new name', reason: PATHS },
  {
    behaviour: 'rename: a fid of the file does not take to what has its old name next',
    reason: PATHS,
  },
  { behaviour: 'rename: fids below a directory follow', reason: PATHS },
  {
    behaviour: 'mknod: a named pipe is never opened',
    reason:
      'diod opens pipes, and waits in it for the other end with a lock that all requests need',
    hangs: true,
  },
  {
    behaviour: 'mknod: a device is never opened',
    reason: 'diod opens devices',
  },
  {
    behaviour: 'xattr: an empty value is one',
    reason: 'in diod an attribute of no bytes is one to be removed',
  },
  {
    behaviour: 'xattr: less than was announced sets nothing',
    reason: 'diod fills up with zeros',
  },
  {
    behaviour: 'xattr: more than was announced is refused',
    reason: 'diod cuts the value off',
  },
  { behaviour: 'lock: other bytes are free', reason: OPEN_DESCRIPTION },
  { behaviour: 'lock: length 0 reaches to the end', reason: OPEN_DESCRIPTION },
  { behaviour: 'lock: the middle can be given up', reason: OPEN_DESCRIPTION },
  { behaviour: 'lock: getlock tells who is in the way', reason: OPEN_DESCRIPTION },
  { behaviour: 'names: "a\\u0000b" is refused by create', reason: UNCHECKED },
  { behaviour: 'names: a name with a slash is not walked to', reason: UNCHECKED },
  { behaviour: 'names: a name with .. in it does not lead out', reason: UNCHECKED },
  { behaviour: 'names: a name with a slash is refused by symlink', reason: UNCHECKED },
  { behaviour: 'names: a name with a slash is refused by link', reason: UNCHECKED },
];
