/**
 * Serving files over 9P: write a `FileServer`, or take a ready-made one, and give it to `Server`.
 * @module @xcpu/9p-protocol/server
 */
export { defaultServerLimits, type ServerLimits, serverLimits } from '../limits.js';
export { Connection, type ConnectionEvents } from './connection.js';
export type {
  AttributeChanges,
  AuthFile,
  Awaitable,
  CreatedFile,
  DirectoryItem,
  DirectoryListing,
  ExtendedAttributes,
  FileLock,
  FileServer,
  Login,
  Moment,
  NewFile,
  OpenFile,
  ServerFile,
  StatChanges,
} from './files.js';
export type { Intercept } from './intercept.js';
export { type LockLimits, LockTable } from './locks.js';
export type { ReadReply, Reply } from './replies.js';
export type { Request } from './request.js';
export { Server, type ServerOptions } from './server.js';
export {
  nextQidPath,
  type SyntheticAttributes,
  SyntheticDirectory,
  SyntheticFile,
  serveTree,
  snapshot,
  type TreeFileSpec,
  type TreeSpec,
} from './synthetic.js';
