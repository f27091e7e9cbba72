/**
 * The texts and proofs that xcpu puts inside 9P: what a client writes into and reads from a node's
 * files, and how the two prove to each other who they are. Pure functions without I/O.
 */
export * from './address.js';
export * from './arch.js';
export * from './argv.js';
export * from './authentication.js';
export * from './command-lines.js';
export * from './environment.js';
export * from './errors.js';
export * from './json.js';
export * from './key-entries.js';
export * from './keys.js';
export { mountTypeReason } from './mount-types.js';
export * from './names.js';
export * from './namespace.js';
export * from './namespace-check.js';
export * from './node-ctl.js';
export * from './node-details.js';
export * from './node-load.js';
export * from './node-state.js';
export * from './passkey.js';
export * from './private-key.js';
export * from './process-list.js';
export * from './quoting.js';
export * from './session-ctl.js';
export * from './session-id.js';
export * from './signals.js';
export * from './user-entries.js';
export * from './wait-status.js';
