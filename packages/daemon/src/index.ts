/** What the daemons of xcpu share: their command line, starting and stopping, listening, the log. */
export * from './errors.js';
export * from './listen.js';
export * from './log.js';
export * from './options.js';
export * from './run.js';
export * from './server-log.js';
