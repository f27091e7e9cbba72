/** The node daemon as a library: what `main` does, for programs that embed a node. */
export { type Daemon, type DaemonOptions, startDaemon } from './daemon.js';
export { StartError } from './errors.js';
