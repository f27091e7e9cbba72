/**
 * Reaching a 9P server: `mount` for files by path, `Client`, `attach` and `Fid` for the protocol itself.
 * @module @xcpu/9p-protocol/client
 */
export type { RangeOptions, ReadRangeOptions } from './bulk.js';
export { Client, type ClientOptions } from './client.js';
export type { CopyOptions, CopyProgress, CopySummary } from './copy.js';
export type { EntriesOptions } from './entries.js';
export { type AttachOptions, attach, auth, Fid, type RequestOptions } from './fid.js';
export { FileHandle, type OpenFlag, type StreamOptions } from './file-handle.js';
export type { FileChanges, FileKind, FileStat, TimeLike } from './file-stat.js';
export { type FileData, FileSystem, type ReadFileOptions } from './file-system.js';
export * as linux from './linux.js';
export { type MountOptions, mount } from './mount.js';
export type { OpenOptions } from './open.js';
export type { FollowOptions } from './paths.js';
export type { ReplyTo, ReplyType, Unsent } from './replies.js';
export type { FileEntry } from './requests.js';
export { errnoOf } from './system-errors.js';
