/**
 * What a 9P file server does, to be tried on any of them.
 * @module @xcpu/9p-protocol/conformance
 */
export { type Behaviour, type Capability, capabilities } from './behaviour.js';
export { behaviours } from './behaviours/index.js';
export type { Conversation } from './conversation.js';
export { formatTap, summary } from './report.js';
export type { FileChanges, FileInfo } from './requests.js';
export { type BehaviourResult, type ConformanceOptions, runConformance } from './run.js';
export type { Subject } from './subject.js';
