import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from '../support/cluster.js';
import { eventually } from '../support/wait.js';

/** What sessions take of a node, as it is seen from outside. */
export interface Footprint {
  /** Open files of the daemon, but for pipes, and three to each process that serves mounts. */
  readonly descriptors: number;
  readonly pipes: number;
  /** Processes that the daemon started, but for those that serve mounts, and all below them. */
  readonly processes: number;
  /** Of users' files. */
  readonly mounts: number;
  /** Names in the daemon's directory. */
  readonly files: readonly string[];
}

/** Waits until no session is left, so that what there is then is what a daemon has anyway. */
export function idleFootprint(daemon: Daemon): Promise<Footprint> {
  return eventually('the daemon is idle', () => {
    const now = footprintOf(daemon);
    return now.mounts + now.files.length === 0 && now;
  });
}

export function footprintOf(daemon: Daemon): Footprint {
  const below = descendants(daemon.pid);
  const helpers = below.filter(servesMounts);
  const descriptors = descriptorsOf(daemon.pid);
  const pipes = descriptors.filter((file) => file.startsWith('pipe:')).length;
  return {
    descriptors: descriptors.length - pipes - 3 * helpers.length,
    pipes,
    processes: below.length - helpers.length,
    mounts: helpers.flatMap(descriptorsOf).filter((file) => file === '/dev/fuse').length,
    files: scratchFiles(daemon.temporary),
  };
}

/** What there is of a daemon that is about to be killed, all of which has to go: its directory and the numbers of processes. */
export function victimsOf(daemon: Daemon) {
  const helpers = descendants(daemon.pid).filter(servesMounts);
  const [name] = readdirSync(daemon.temporary);
  const directory = join(daemon.temporary, name!);
  return { directory, helpers, programs: programsOf(instanceOf(daemon)) };
}

/** Most that a daemon without sessions has: 32 for programs to come, and its own. */
const MOST_PIPES = 42;

/** Processes of a daemon's programs, by the mark that they have in their environment. */
function programsOf(instance: string): number[] {
  return processes().filter((pid) => environmentOf(pid).includes(instance));
}

/** The mark by which a daemon knows its programs. */
function instanceOf(daemon: Daemon): string {
  const [name] = readdirSync(daemon.temporary);
  return JSON.parse(readFileSync(join(daemon.temporary, name!, 'daemon.json'), 'utf8')).instance;
}

/**
 * Waits until a daemon's sessions have left nothing behind.
 * @param before what there was when it had run its first, see `idleFootprint`
 */
export async function nothingLeft(daemon: Daemon, before: Footprint): Promise<void> {
  const instance = instanceOf(daemon);
  let left: Footprint & { programs: number[] };
  await eventually(
    'nothing is left',
    () => {
      left = { ...footprintOf(daemon), programs: programsOf(instance) };
      return (
        left.descriptors <= before.descriptors &&
        left.pipes <= MOST_PIPES &&
        left.processes <= before.processes &&
        left.mounts + left.files.length + left.programs.length === 0
      );
    },
    15_000,
  ).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify({ before, left })}`);
  });
  if (strayMounts().length > 0) throw new Error(`mounted here: ${strayMounts()}`);
}

/** Mounts of users' files that this process sees: none, ever. */
function strayMounts(): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return mounts.filter((line) => / - fuse\S* xcpu /.test(line) || line.includes('/xcpufs-'));
}

function scratchFiles(directory: string): string[] {
  return readdirSync(directory).flatMap((name) =>
    ['sessions', 'trash', 'namespaces'].flatMap((part) =>
      readdirSync(join(directory, name, part)).map((file) => `${part}/${file}`),
    ),
  );
}

function descendants(pid: number): number[] {
  const parents = new Map(processes().map((each) => [each, parentOf(each)]));
  const found = [pid];
  for (const parent of found) {
    for (const [child, its] of parents) if (its === parent) found.push(child);
  }
  return found.slice(1);
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function servesMounts(pid: number): boolean {
  return told(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')).includes('fuse-helper');
}

function parentOf(pid: number): number {
  const stat = told(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function environmentOf(pid: number): string {
  return told(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
}

function descriptorsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  const names = told(() => readdirSync(directory).join('\n')).split('\n');
  return names.map((name) => told(() => readlinkSync(join(directory, name))));
}

/** What /proc says, nothing of a process that is gone. */
function told(ask: () => string): string {
  try {
    return ask();
  } catch {
    return '';
  }
}
