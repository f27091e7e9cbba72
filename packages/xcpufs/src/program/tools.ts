import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { StartError } from '../errors.js';

/** Where the node's own tools are looked for; a user's PATH has no say. */
export const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin';

/** The programs that xcpufs needs beside itself, by absolute path. */
export interface Tools {
  readonly sh: string;
  /** Gives programs their user and groups: util-linux. Not needed when every program runs as the daemon's user. */
  readonly setpriv: string | undefined;
  /** Runs a program under another argv[0], which sh cannot; optional. */
  readonly bash: string | undefined;
}

/** What builds namespaces, by absolute path: util-linux and coreutils. */
export interface NamespaceTools {
  readonly unshare: string;
  readonly nsenter: string;
  readonly mount: string;
  readonly umount: string;
  readonly setpriv: string;
  readonly chroot: string;
  readonly mkdir: string;
  readonly dd: string;
}

const NAMESPACE_TOOLS = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'util-linux (Debian: mount)',
  umount: 'util-linux (Debian: mount)',
  setpriv: 'util-linux',
  chroot: 'coreutils',
  mkdir: 'coreutils',
  dd: 'coreutils',
} as const;

/** @throws StartError naming the tool that is missing and its package */
export function findNamespaceTools(): NamespaceTools {
  const found = Object.entries(NAMESPACE_TOOLS).map(([name, from]) => [name, needed(name, from)]);
  return Object.fromEntries(found);
}

/** @throws StartError naming the tool that is missing and its package */
export function findTools(sameUser: boolean): Tools {
  return {
    sh: needed('sh', 'dash or bash'),
    setpriv: sameUser ? undefined : needed('setpriv', 'util-linux'),
    bash: find('bash'),
  };
}

function needed(name: string, from: string): string {
  const path = find(name);
  if (!path) throw new StartError(`${name} not found in ${TOOL_PATH}: install ${from}`);
  return path;
}

function find(name: string): string | undefined {
  return TOOL_PATH.split(delimiter)
    .map((directory) => join(directory, name))
    .find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
