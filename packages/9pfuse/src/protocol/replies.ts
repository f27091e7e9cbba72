/** The bodies of replies, by the structures of fuse.h. */
import type { FileSystemStatistics, Uint64 } from '@xcpu/9p-protocol';
import { MAJOR, MINOR } from './constants.js';
import type { FuseLock } from './requests.js';
import { writeU64 } from './words.js';

/** What stat(2) tells, as fuse_attr has it. */
export interface FuseAttributes {
  readonly ino: Uint64;
  /** In bytes. */
  readonly size: Uint64;
  /** Pieces of 512 bytes. */
  readonly blocks: Uint64;
  /** Seconds since 1970; earlier ones in two's complement. */
  readonly atime: Uint64;
  readonly mtime: Uint64;
  readonly ctime: Uint64;
  readonly atimeNsec: number;
  readonly mtimeNsec: number;
  readonly ctimeNsec: number;
  /** Kind and permissions. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** As the kernel packs it, see `kernelDevice`. */
  readonly rdev: number;
  readonly blksize: number;
}

/** What LOOKUP and whatever makes a file answers. */
export interface FuseEntry {
  /** 0: there is no such file. */
  readonly node: Uint64;
  /** With `node` never the same for two files. */
  readonly generation: Uint64;
  /** How long the name may be taken to lead there, in milliseconds. */
  readonly entryTimeout: number;
  /** How long the attributes may be taken to be right, in milliseconds. */
  readonly attributesTimeout: number;
  /** Undefined where there is no such file. */
  readonly attributes: FuseAttributes | undefined;
}

export interface InitReply {
  readonly maxReadahead: number;
  /** Bits of InitFlag. */
  readonly flags: number;
  /** Requests that nobody waits for, such as readahead, that may be under way at once. */
  readonly maxBackground: number;
  /** From how many of them on the kernel holds back. */
  readonly congestionThreshold: number;
  readonly maxWrite: number;
  readonly maxPages: number;
}

const ATTRIBUTES_SIZE = 88;
/** Bytes of fuse_entry_out. */
export const ENTRY_SIZE = 40 + ATTRIBUTES_SIZE;

export function initReply(reply: InitReply): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(MAJOR, 0);
  body.writeUInt32LE(MINOR, 4);
  body.writeUInt32LE(reply.maxReadahead, 8);
  body.writeUInt32LE(reply.flags, 12);
  body.writeUInt16LE(reply.maxBackground, 16);
  body.writeUInt16LE(reply.congestionThreshold, 18);
  body.writeUInt32LE(reply.maxWrite, 20);
  // Times are exact to the nanosecond.
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(reply.maxPages, 28);
  return body;
}

export function entryReply(entry: FuseEntry): Buffer {
  const body = Buffer.allocUnsafe(ENTRY_SIZE);
  writeEntry(body, entry, 0);
  return body;
}

export function writeEntry(body: Buffer, entry: FuseEntry, at: number): void {
  writeU64(body, entry.node, at);
  writeU64(body, entry.generation, at + 8);
  writeTimeout(body, entry.entryTimeout, at + 16, at + 32);
  writeTimeout(body, entry.attributesTimeout, at + 24, at + 36);
  if (entry.attributes) writeAttributes(body, entry.attributes, at + 40);
  else body.fill(0, at + 40, at + ENTRY_SIZE);
}

/** @param timeout how long they may be taken to be right, in milliseconds */
export function attributesReply(attributes: FuseAttributes, timeout: number): Buffer {
  const body = Buffer.allocUnsafe(16 + ATTRIBUTES_SIZE);
  writeTimeout(body, timeout, 0, 8);
  body.writeUInt32LE(0, 12);
  writeAttributes(body, attributes, 16);
  return body;
}

/** @param flags bits of OpenReplyFlag */
export function openReply(handle: Uint64, flags: number): Buffer {
  const body = Buffer.allocUnsafe(16);
  writeU64(body, handle, 0);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(0, 12);
  return body;
}

/** The answer to WRITE (bytes taken), and to GETXATTR and LISTXATTR when they ask for a length. */
export function sizeReply(size: number): Buffer {
  const body = Buffer.allocUnsafe(8);
  body.writeUInt32LE(size, 0);
  body.writeUInt32LE(0, 4);
  return body;
}

export function statfsReply(statistics: FileSystemStatistics): Buffer {
  const body = Buffer.alloc(80);
  writeU64(body, statistics.blocks, 0);
  writeU64(body, statistics.bfree, 8);
  writeU64(body, statistics.bavail, 16);
  writeU64(body, statistics.files, 24);
  writeU64(body, statistics.ffree, 32);
  body.writeUInt32LE(statistics.bsize, 40);
  body.writeUInt32LE(statistics.namelen, 44);
  body.writeUInt32LE(statistics.bsize, 48);
  return body;
}

export function lockReply(lock: FuseLock): Buffer {
  const body = Buffer.allocUnsafe(24);
  writeU64(body, lock.start, 0);
  writeU64(body, lock.end, 8);
  body.writeUInt32LE(lock.type, 16);
  body.writeUInt32LE(lock.pid, 20);
  return body;
}

/** For NotifyCode.INVAL_INODE: a file's attributes, and none of its contents. */
export function attributesNotice(node: Uint64): Buffer {
  const body = Buffer.alloc(24);
  writeU64(body, node, 0);
  body.writeBigInt64LE(-1n, 8);
  return body;
}

/** For NotifyCode.STORE: what goes in front of so many bytes of contents. */
export function storeNotice(node: Uint64, offset: Uint64, size: number): Buffer {
  const body = Buffer.alloc(24);
  writeU64(body, node, 0);
  writeU64(body, offset, 8);
  body.writeUInt32LE(size, 16);
  return body;
}

/** A device's numbers as the kernel packs them into 32 bits: its new_encode_dev. */
export function kernelDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/** The inverse of {@link kernelDevice}. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

function writeAttributes(body: Buffer, attributes: FuseAttributes, at: number): void {
  writeU64(body, attributes.ino, at);
  writeU64(body, attributes.size, at + 8);
  writeU64(body, attributes.blocks, at + 16);
  writeU64(body, attributes.atime, at + 24);
  writeU64(body, attributes.mtime, at + 32);
  writeU64(body, attributes.ctime, at + 40);
  body.writeUInt32LE(attributes.atimeNsec, at + 48);
  body.writeUInt32LE(attributes.mtimeNsec, at + 52);
  body.writeUInt32LE(attributes.ctimeNsec, at + 56);
  body.writeUInt32LE(attributes.mode, at + 60);
  body.writeUInt32LE(attributes.nlink, at + 64);
  body.writeUInt32LE(attributes.uid, at + 68);
  body.writeUInt32LE(attributes.gid, at + 72);
  body.writeUInt32LE(attributes.rdev, at + 76);
  body.writeUInt32LE(attributes.blksize, at + 80);
  body.writeUInt32LE(0, at + 84);
}

function writeTimeout(body: Buffer, timeout: number, seconds: number, nanoseconds: number): void {
  writeU64(body, Math.floor(timeout / 1000), seconds);
  body.writeUInt32LE(Math.round((timeout % 1000) * 1e6), nanoseconds);
}
