/**
 * A directory of this machine, served in every dialect.
 * @module @xcpu/9p-protocol/fs
 */
export { type DirectoryLimits, defaultDirectoryLimits } from '../limits.js';
export { type OwnerFiles, type OwnerNames, ownerNames } from './owner-names.js';
export { type DirectoryOptions, DirectoryServer, serveDirectory } from './server.js';
