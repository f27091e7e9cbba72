export { defaultServerLimits, type ServerLimits, serverLimits } from '../limits.js';
export { Connection, type ConnectionEvents } from './connection.js';
export type {
  AuthFile,
  Awaitable,
  CreatedFile,
  FileServer,
  Login,
  NewFile,
  OpenFile,
  ServerFile,
  StatChanges,
} from './files.js';
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
