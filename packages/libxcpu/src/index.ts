/** The client library of xcpu: reach nodes, run jobs, manage users, list processes. */
export type {
  GroupEntry,
  NodeCommand,
  ProcessEntry,
  UserEntry,
  WaitStatus,
} from '@xcpu/xcpu-protocol';
export { formatJson } from '@xcpu/xcpu-protocol';
export { type AttachOptions, attach } from './attach.js';
export { type DetachedJob, type DetachOptions, detach } from './detach.js';
export * from './dial.js';
export {
  type EndedSession,
  listProcessesAndEnded,
  type NodeSnapshot,
} from './ended-sessions.js';
export * from './errors.js';
export * from './exit-status.js';
export { FAN_OUT, fanOut, Limiter } from './fan-out.js';
export { InputLog, type InputLogLimits, type InputReader } from './input-log.js';
export { type FollowOptions, Job } from './job.js';
export type { ShipProgram } from './launch.js';
export * from './local-users.js';
export * from './login.js';
export * from './node-commands.js';
export { loginError, printable } from './node-errors.js';
export * from './node-reader.js';
export * from './node-tables.js';
export * from './nodes.js';
export * from './output.js';
export * from './processes.js';
export type { LegacyFiles, Program } from './program.js';
export { readPublicKey } from './public-key-file.js';
export type {
  ExitEvent,
  JobEvent,
  JobSink,
  OutputEvent,
  RankResult,
} from './rank.js';
export { type JobOptions, type LaunchOptions, run } from './run.js';
export * from './session.js';
export {
  type SignalResult,
  type SignalTarget,
  signalOnNode,
} from './signal-nodes.js';
export type { Change, NodePlan, Problem, Step } from './site/plan.js';
export * from './site/planners.js';
export { readSiteFile, type SiteFile } from './site/site-file.js';
export * from './site/sync-nodes.js';
export * from './statfs.js';
export { TermTransport } from './term-transport.js';
export * from './trace.js';
