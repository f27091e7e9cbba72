import type { Verb } from './verb.js';

interface VerbEntry {
  /** What it does, in a few words. */
  readonly short: string;
  readonly load: () => Promise<Verb>;
}

/** All verbs by name; each is loaded only when it is used. */
export const VERBS: Readonly<Record<string, VerbEntry>> = {
  ls: { short: 'list directories', load: async () => (await import('./verbs/ls.js')).ls },
  cat: { short: 'print files', load: async () => (await import('./verbs/cat.js')).cat },
  read: {
    short: 'print a file, or a part of it',
    load: async () => (await import('./verbs/read.js')).read,
  },
  write: {
    short: 'write standard input to a file',
    load: async () => (await import('./verbs/write.js')).write,
  },
  stat: {
    short: 'print all that is known of files',
    load: async () => (await import('./verbs/stat.js')).stat,
  },
  cp: {
    short: 'copy files and directories to or from a server',
    load: async () => (await import('./verbs/cp.js')).cp,
  },
  rm: { short: 'remove files', load: async () => (await import('./verbs/rm.js')).rm },
  mv: { short: 'rename or move a file', load: async () => (await import('./verbs/mv.js')).mv },
  ln: { short: 'make links', load: async () => (await import('./verbs/ln.js')).ln },
  mkdir: { short: 'make directories', load: async () => (await import('./verbs/mkdir.js')).mkdir },
  create: {
    short: 'make empty files',
    load: async () => (await import('./verbs/create.js')).create,
  },
  chmod: {
    short: 'change permissions',
    load: async () => (await import('./verbs/chmod.js')).chmod,
  },
  serve: {
    short: 'serve a directory to others',
    load: async () => (await import('./verbs/serve.js')).serve,
  },
};

/** @param name one of {@link VERBS} */
export function loadVerb(name: string): Promise<Verb> {
  return VERBS[name]!.load();
}
