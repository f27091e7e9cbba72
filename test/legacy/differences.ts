import type { Mismatch } from './compare.js';

/** A deliberate difference between our server and the historic one. */
export interface Difference {
  /** Matched with the transcript's name. */
  readonly transcript: RegExp;
  readonly file: RegExp;
  readonly what: RegExp;
  /** What ours answers instead. */
  readonly ours: RegExp;
  readonly reason: string;
}

/** Every difference that the replay may meet; one that none meets any more fails the test. */
export const DIFFERENCES: readonly Difference[] = [
  {
    transcript: /^xrx_noexec$/,
    file: /^N\/wait$/,
    what: /^data$/,
    ours: /^32512$/,
    reason: 'section 11: exec failures give a meaningless status; ours is 127, as in a shell',
  },
  {
    transcript: /^xrx_noexec$/,
    file: /^N\/stderr$/,
    what: /^data$/,
    ours: /\/no\/such\/file/,
    reason: 'the message names the program that is not there',
  },
  {
    transcript: /^xgetent_/,
    file: /^(pwent|grent)$/,
    what: /^pieces$/,
    ours: /^\[true,false,false\]$/,
    reason: 'section 11: pwent and grent come in short reads and are cut by the clients',
  },
  {
    transcript: /^(xk|xps)_/,
    file: /^procs$/,
    what: /^own group$/,
    ours: /^\[true\]$/,
    reason: 'a program leads a process group of its own, for signals to reach all of it',
  },
  {
    transcript: /^xrx_(jobid|n1_treespawn)/,
    file: /^N\/stdout$/,
    what: /^more variables$/,
    ours: /^\["XCPU_INSTANCE"\]$/,
    reason: 'marks what belongs to a daemon, for it to find what left the process group',
  },
  {
    transcript: /^statfs_to_xcpufs$/,
    file: /^\/$/,
    what: /^length env$/,
    ours: /^\d+$/,
    reason: 'stat tells how long the files are that hold a text; legacy says 0',
  },
  {
    transcript: /^statfs_to_xcpufs$/,
    file: /^\/$/,
    what: /^names$/,
    ours: /^\["arch","clone","ctl","env","grent","keys","load","ns","passkey","procs","pwent","state"\]$/,
    reason: 'files that the historic node has not: whose key is which, and how busy it is',
  },
  {
    transcript: /^xstat$/,
    file: /^$/,
    what: /^msize$/,
    ours: /^32792$/,
    reason: 'statfs agrees to what the client asks for, as a node does; legacy stays at 8216',
  },
];

/** The difference that explains a mismatch, if one does. */
export function explain(mismatch: Mismatch): Difference | undefined {
  return DIFFERENCES.find(
    ({ transcript, file, what, ours }) =>
      transcript.test(mismatch.transcript) &&
      file.test(mismatch.file) &&
      what.test(mismatch.what) &&
      ours.test(mismatch.ours),
  );
}
