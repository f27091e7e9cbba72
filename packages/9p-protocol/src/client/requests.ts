import type { FileSystemStatistics, Qid } from '../types.js';
import type { Fid, RequestOptions } from './fid.js';
import type { FileChanges, FileKind, FileStat } from './file-stat.js';

/** One name in a directory. */
export interface FileEntry {
  readonly name: string;
  readonly kind: FileKind;
  readonly qid: Qid;
  /** Present where it was asked for, or came for nothing (9P2000, 9P2000.u). */
  readonly stat?: FileStat;
}

/** What a `FileSystem` asks of a server about a fid, in the words of one dialect. */
export interface FileRequests {
  /** Opens the fid; `mode` is OpenMode's. */
  open(fid: Fid, mode: number, options: RequestOptions): Promise<unknown>;
  /** Makes a file in the directory and opens it; the fid then is the file. It must not exist. */
  create(
    fid: Fid,
    name: string,
    permissions: number,
    mode: number,
    options: RequestOptions,
  ): Promise<unknown>;
  mkdir(fid: Fid, name: string, permissions: number, options: RequestOptions): Promise<unknown>;
  symlink(fid: Fid, name: string, target: string, options: RequestOptions): Promise<unknown>;
  link(directory: Fid, name: string, file: Fid, options: RequestOptions): Promise<unknown>;
  /** Moves a file from one directory to a name in another. */
  rename(file: Fid, from: Fid, to: Fid, name: string, options: RequestOptions): Promise<unknown>;
  stat(fid: Fid, options: RequestOptions): Promise<FileStat>;
  change(fid: Fid, changes: FileChanges, options: RequestOptions): Promise<void>;
  /** Where the symbolic link leads. */
  readlink(fid: Fid, options: RequestOptions): Promise<string>;
  /** The entries of a directory that is open, as they come, `.` and `..` among them where the server says so. */
  entries(fid: Fid, options: RequestOptions): AsyncGenerator<FileEntry[]>;
  sync(fid: Fid, dataOnly: boolean, options: RequestOptions): Promise<void>;
  statfs(fid: Fid, options: RequestOptions): Promise<FileSystemStatistics>;
}
