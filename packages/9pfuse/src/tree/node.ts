import { FileMode, type Qid, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import type { RemoteFile } from '../remote/remote.js';
import type { Handle } from './handles.js';

/** What tells whether the contents of a file changed between two looks at it. */
interface Stamp {
  readonly size: Uint64;
  readonly mtime: Uint64;
  readonly mtimeNsec: number;
  readonly ctime: Uint64;
  readonly ctimeNsec: number;
  readonly version: number;
}

/** A file that the kernel knows by number. It need not have a fid: where it is in the tree leads to one. */
export class Node {
  /** The number; never given out twice. */
  readonly id: number;
  qid: Qid;
  /** Kind bits of its mode, see FileMode. */
  readonly kind: number;
  readonly birth: string | undefined;
  /** References that the kernel has. */
  references = 0;
  /** Where it was last found; undefined for the root, and where its name was taken away. */
  place: { readonly parent: Node; readonly name: string } | undefined;
  /** The nodes whose place is in this directory, by name. */
  children: Map<string, Node> | undefined;
  /** A walked fid that is not open; see NodeTable.use. */
  fid: Fid | undefined;
  /** Under way to one. */
  walking: Promise<Fid> | undefined;
  /** Operations that use the fid. */
  users = 0;
  /** Former fids that operations may still use. */
  retired: Fid[] | undefined;
  readonly handles = new Set<Handle>();
  /** Its names were listed, and no more of its files. */
  listed = false;
  /** The name that was looked up in it last. */
  followed: string | undefined;
  /** The file behind it in its directory's listing. */
  follower: Node | undefined;
  /** How often it is open as a directory. */
  directories = 0;
  /** In bytes, as far as is known. */
  size: number;
  /** Kind and permissions, as the server told last. */
  mode: number;
  /** Whose it is on the server, as told last. */
  uid: number;
  /** When it told, in milliseconds of performance.now(). */
  toldAt: number;
  /** All that it told last, and the moment (see Changes) for which that is right; undefined where there is none. */
  believed: { readonly file: RemoteFile; readonly moment: number } | undefined;
  /** Where a symbolic link leads, if that is known: it does as long as it is there. */
  target: string | undefined;
  /** Its contents, as they are now, were read from the beginning: the kernel may have them. */
  primed = false;
  /** As the server told last. */
  #stamp: Stamp;

  constructor(id: number, file: RemoteFile) {
    this.id = id;
    this.qid = file.qid;
    this.kind = file.attributes.mode & FileMode.TYPE_MASK;
    this.birth = file.birth;
    this.size = Number(file.attributes.size);
    this.mode = file.attributes.mode;
    this.uid = file.attributes.uid;
    this.toldAt = Math.floor(performance.now());
    this.#stamp = stampOf(file);
  }

  /** Whether a process has it open: then it is there though its name may be gone. */
  get isOpen(): boolean {
    return this.handles.size > 0 || this.directories > 0;
  }

  /** Takes note of what the server tells now; whether the contents are those that it told of last. */
  told(file: RemoteFile): boolean {
    const before = this.#stamp;
    const now = stampOf(file);
    this.#stamp = now;
    this.qid = file.qid;
    this.size = Number(file.attributes.size);
    this.mode = file.attributes.mode;
    this.uid = file.attributes.uid;
    this.toldAt = Math.floor(performance.now());
    this.believed = undefined;
    const unchanged =
      before.size === now.size &&
      before.mtime === now.mtime &&
      before.mtimeNsec === now.mtimeNsec &&
      before.ctime === now.ctime &&
      before.ctimeNsec === now.ctimeNsec &&
      before.version === now.version;
    if (!unchanged) this.primed = false;
    return unchanged;
  }

  /**
   * Whether a file that was found under this node's qid is this one. Numbers of files that are gone are used again;
   * where links lead is cached for as long as they are known, so for them the time of change has to agree as well.
   */
  isSame(file: RemoteFile): boolean {
    const { attributes, birth } = file;
    if ((attributes.mode & FileMode.TYPE_MASK) !== this.kind || birth !== this.birth) return false;
    if (this.kind !== FileMode.SYMLINK) return true;
    const { mtime, mtimeNsec } = this.#stamp;
    return attributes.mtime === mtime && attributes.mtimeNsec === mtimeNsec;
  }
}

function stampOf({ qid, attributes }: RemoteFile): Stamp {
  const { size, mtime, mtimeNsec, ctime, ctimeNsec } = attributes;
  return { size, mtime, mtimeNsec, ctime, ctimeNsec, version: qid.version };
}
