/** The client library of xcpu: reach nodes, run jobs, manage users, list processes. */
export type {
  GroupEntry,
  NodeCommand,
  ProcessEntry,
  UserEntry,
  WaitStatus,
} from '@xcpu/xcpu-protocol';
export * from './dial.js';
export * from './errors.js';
export * from './exit-status.js';
export { FAN_OUT, fanOut } from './fan-out.js';
export { InputLog, type InputLogLimits, type InputReader } from './input-log.js';
export { Job, type JobOptions, run } from './job.js';
export * from './local-users.js';
export * from './login.js';
export * from './node-commands.js';
export { loginError, printable } from './node-errors.js';
export * from './nodes.js';
export * from './output.js';
export * from './processes.js';
export type { ExitEvent, JobEvent, JobSink, OutputEvent, RankResult } from './rank.js';
export * from './session.js';
export { TermTransport } from './term-transport.js';
export * from './trace.js';
