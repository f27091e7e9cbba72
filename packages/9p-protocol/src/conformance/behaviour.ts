import type { Dialect } from '../constants.js';
import type { Subject } from './subject.js';

/** What not every server can do; a behaviour that needs what a server has not got is skipped. */
export const capabilities = {
  symlink: 'makes and reads symbolic links',
  link: 'gives a file several names (not in 9P2000)',
  fifo: 'makes named pipes, and never opens them: many a server waits for ever when it does',
  device: 'makes devices, which the user of the test may',
  xattr: 'keeps extended attributes called user.*',
  lock: 'keeps advisory locks',
  at: 'knows Tunlinkat and Trenameat; without them Linux falls back on Tremove and Trename',
  permissions:
    'refuses the user of the test what the modes of his own files forbid (he is not root)',
  owner: 'lets the user of the test give files away (he is root)',
  'byte-names': 'takes names that are not UTF-8',
  'append-only': 'has files that grow at the end only: ModeBit.APPEND',
  'exclusive-use': 'has files that are open once at a time: ModeBit.EXCLUSIVE',
  nanoseconds: 'sets times to the nanosecond',
  versions: 'counts changes of contents in qid.version',
  pipelining: 'lets a request wait for the one that makes its fid',
} as const;

/** What a behaviour may need of a server: a name of `capabilities`. */
export type Capability = keyof typeof capabilities;

/** One thing that a 9P file server does. */
export interface Behaviour {
  /** What it does, as a sentence behind its subject: `walk: no names make a second fid of the same file`. */
  readonly name: string;
  /** Where it is to be seen; everywhere by default. */
  readonly dialects?: readonly Dialect[];
  readonly needs?: readonly Capability[];
  /** Fails unless the server behaves so. */
  readonly run: (subject: Subject) => Promise<void>;
}

/** 9P2000.L alone. */
export const linux: readonly Dialect[] = ['9P2000.L'];
/** The dialects with stat, wstat, open and create. */
export const plan9: readonly Dialect[] = ['9P2000', '9P2000.u'];
/** The dialects that know what Unix does. */
export const unix: readonly Dialect[] = ['9P2000.u', '9P2000.L'];

/** Behaviours of one subject, which their names begin with; `common` holds for all of them. */
export function about(
  subject: string,
  behaviours: readonly Behaviour[],
  common: Pick<Behaviour, 'dialects' | 'needs'> = {},
): readonly Behaviour[] {
  return behaviours.map((behaviour) => {
    const needs = [...(common.needs ?? []), ...(behaviour.needs ?? [])];
    return { ...common, ...behaviour, name: `${subject}: ${behaviour.name}`, needs };
  });
}
