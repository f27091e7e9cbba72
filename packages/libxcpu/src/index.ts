/** The client library of xcpu: reach nodes, run jobs, manage users, list processes. */
export type {
  GroupEntry,
  NodeCommand,
  ProcessEntry,
  UserEntry,
  WaitStatus,
} from '@xcpu/xcpu-protocol';
export { formatJson } from '@xcpu/xcpu-protocol';
export * from './errors.js';
export { FAN_OUT, fanOut, Limiter } from './fan-out.js';
export { type AttachOptions, attach } from './job/attach.js';
export { type DetachedJob, type DetachOptions, detach } from './job/detach.js';
export {
  type EndedSession,
  listProcessesAndEnded,
  type NodeSnapshot,
} from './job/ended-sessions.js';
export * from './job/exit-status.js';
export { InputLog, type InputLogLimits, type InputReader } from './job/input-log.js';
export { type FollowOptions, Job } from './job/job.js';
export type { ShipProgram } from './job/launch.js';
export * from './job/output.js';
export type { LegacyFiles, Program } from './job/program.js';
export type {
  ExitEvent,
  JobEvent,
  JobSink,
  OutputEvent,
  RankResult,
} from './job/rank.js';
export { type JobOptions, type LaunchOptions, run } from './job/run.js';
export * from './job/session.js';
export { TermTransport } from './job/term-transport.js';
export * from './local-users.js';
export * from './login.js';
export * from './node/commands.js';
export * from './node/dial.js';
export { loginError, printable } from './node/errors.js';
export * from './node/processes.js';
export * from './node/reader.js';
export {
  type SignalResult,
  type SignalTarget,
  signalOnNode,
} from './node/signal.js';
export * from './node/tables.js';
export * from './nodes.js';
export { readPublicKey } from './public-key-file.js';
export type { Change, NodePlan, Problem, Step } from './site/plan.js';
export * from './site/planners.js';
export { readSiteFile, type SiteFile } from './site/site-file.js';
export * from './site/sync-nodes.js';
export * from './statfs.js';
export * from './trace.js';
