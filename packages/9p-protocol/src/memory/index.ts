/**
 * A file system in memory, served in every dialect.
 * @module @xcpu/9p-protocol/memory
 */
export { type MemoryOptions, memoryServer } from './server.js';
export type { MemoryUser, Person } from './users.js';
