import { nameToBytes } from '../codec/strings.js';
import { MessageType, OpenMode } from '../constants.js';
import { XattrFlag } from '../constants-linux.js';
import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { MAX_XATTR_BYTES, MAX_XATTR_NAME } from '../limits.js';
import type { Txattrcreate, Txattrwalk } from '../messages-linux.js';
import type { Uint64 } from '../types.js';
import { chain } from './awaitable.js';
import { checkClosed, type Fid, fileOf, unknownFid } from './fids.js';
import type { Awaitable, ExtendedAttributes, OpenFile, ServerFile } from './files.js';
import type { FidKeeper } from './keeper.js';
import { invalid, unsupported } from './refusals.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';

/**
 * Makes `target` a fid that reads an extended attribute of `file`, or the list of their names, each with a NUL behind
 * it.
 * @throws NinePError: ENODATA if there is none of that name, EOPNOTSUPP if the file has none at all.
 */
export function xattrWalk<User>(
  keeper: FidKeeper<User>,
  request: Request<User>,
  file: ServerFile<User>,
  target: Fid<User>,
  { name }: Txattrwalk,
): Awaitable<Reply> {
  const xattrs = xattrsOf(file);
  const opened = (value: Uint8Array): Reply => {
    keeper.chargeAttribute(value.length);
    keeper.opened(target, new AttributeReader(keeper, value), OpenMode.READ);
    target.user = request.user;
    return { type: MessageType.Rxattrwalk, tag: 0, size: value.length };
  };
  if (name === '') return chain(xattrs.list(request), (names) => opened(listOf(names)));
  checkXattrName(name);
  return chain(xattrs.get(name, request), (value) => {
    if (!value) throw new NinePError('no such extended attribute', Errno.ENODATA);
    return opened(value);
  });
}

/** Makes a fid one that takes the value of an extended attribute of the file that it named. */
export function xattrCreate<User>(
  keeper: FidKeeper<User>,
  fid: Fid<User>,
  { name, size, flags }: Txattrcreate,
): Reply {
  const file = fileOf(fid);
  checkClosed(fid);
  const xattrs = xattrsOf(file);
  checkXattrName(name);
  if (flags & ~(XattrFlag.CREATE | XattrFlag.REPLACE)) throw invalid('unknown flags');
  checkSize(size);
  if (fid.gone) throw unknownFid();
  keeper.chargeAttribute(size);
  const writer = new AttributeWriter(keeper, file, xattrs, name, size, flags);
  keeper.opened(fid, writer, OpenMode.WRITE);
  fid.attribute = writer;
  // The fid has no file any more; the writer keeps it.
  fid.file = undefined;
  return { type: MessageType.Rxattrcreate, tag: 0 };
}

/** The value of an extended attribute on its way to a client. */
class AttributeReader<User> implements OpenFile<User> {
  readonly #keeper: FidKeeper<User>;
  readonly #value: Uint8Array;

  constructor(keeper: FidKeeper<User>, value: Uint8Array) {
    this.#keeper = keeper;
    this.#value = value;
  }

  read(offset: number, count: number): Uint8Array {
    return this.#value.subarray(offset, offset + count);
  }

  close(): void {
    this.#keeper.chargeAttribute(-this.#value.length);
  }
}

/** The value of an extended attribute on its way from a client; a Tclunk sets it, nothing else does. */
export class AttributeWriter<User> implements OpenFile<User> {
  readonly file: ServerFile<User>;
  readonly #keeper: FidKeeper<User>;
  readonly #xattrs: ExtendedAttributes<User>;
  readonly #name: string;
  readonly #value: Buffer;
  readonly #flags: number;
  #written = 0;

  constructor(
    keeper: FidKeeper<User>,
    file: ServerFile<User>,
    xattrs: ExtendedAttributes<User>,
    name: string,
    size: number,
    flags: number,
  ) {
    this.#keeper = keeper;
    this.file = file;
    this.#xattrs = xattrs;
    this.#name = name;
    this.#value = Buffer.alloc(size);
    this.#flags = flags;
  }

  /** @throws NinePError: EINVAL unless the pieces come in order, ENOSPC beyond the size that was said. */
  write(offset: number, data: Uint8Array): number {
    if (offset !== this.#written) throw invalid('extended attributes are written in order');
    if (offset + data.length > this.#value.length) {
      throw new NinePError('more than the size of the extended attribute', Errno.ENOSPC);
    }
    this.#value.set(data, offset);
    this.#written += data.length;
    return data.length;
  }

  /**
   * Sets the attribute. Nothing at all, with XATTR_REPLACE, removes it: what Linux sends for removexattr(2), while
   * the empty value of a setxattr(2) comes without.
   * @throws NinePError (EINVAL) if not all of the value was written.
   */
  commit(request: Request<User>): Awaitable<void> {
    if (this.#written !== this.#value.length) {
      throw invalid('the extended attribute was not written to its end');
    }
    if (this.#written === 0 && this.#flags === XattrFlag.REPLACE) {
      return this.#xattrs.remove(this.#name, request);
    }
    return this.#xattrs.set(this.#name, this.#value, this.#flags, request);
  }

  close(): void {
    this.#keeper.chargeAttribute(-this.#value.length);
    this.file.release?.();
  }
}

function xattrsOf<User>(file: ServerFile<User>): ExtendedAttributes<User> {
  if (!file.xattrs) throw unsupported();
  return file.xattrs;
}

function checkXattrName(name: string): void {
  if (name === '' || name.includes('\0') || nameToBytes(name).length > MAX_XATTR_NAME) {
    throw new NinePError('invalid name of an extended attribute', Errno.ERANGE);
  }
}

function checkSize(size: Uint64): asserts size is number {
  if (size > MAX_XATTR_BYTES) throw new NinePError('extended attribute too large', Errno.E2BIG);
}

function listOf(names: readonly string[]): Buffer {
  return nameToBytes(names.map((name) => `${name}\0`).join(''));
}
