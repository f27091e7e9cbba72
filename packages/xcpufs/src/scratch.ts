import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { Log } from '@xcpu/daemon';
import { StartError, systemText } from './errors.js';
import { Stage } from './namespace/stage.js';
import { processStart } from './process-stat.js';
import { Cgroups } from './program/cgroup.js';
import { StrayHunter } from './program/strays.js';
import { removeTree } from './pushed/remove-tree.js';

const PREFIX = 'xcpufs-';
/** Tells, after a crash, whose directory this was. */
const OWNER_FILE = 'daemon.json';

interface OwnerRecord {
  readonly pid: number;
  /** When that process began, in clock ticks since boot: a number may be used again. */
  readonly started: string;
  readonly instance: string;
  /** Directory of its control groups, empty where it had none. */
  readonly cgroup: string;
}

/** The daemon's own directory under its temporary one: made at start, cleared and removed at the end. */
export class Scratch {
  readonly directory: string;
  /** Names this run of the daemon; unguessable. */
  readonly instance = randomBytes(16).toString('hex');
  readonly cgroups: Cgroups | undefined;

  /** @throws StartError if `parent` is not a directory that can be written to */
  constructor(parent: string) {
    try {
      this.directory = mkdtempSync(join(resolve(parent), PREFIX));
    } catch (error) {
      throw new StartError(`${parent}: cannot make a directory there: ${systemText(error)}`);
    }
    // Users pass through to the programs that they pushed, but see nothing.
    chmodSync(this.directory, 0o711);
    mkdirSync(this.sessions, 0o711);
    for (const own of [this.trash, this.namespaces, this.mounts]) mkdirSync(own, 0o700);
    this.cgroups = Cgroups.create(`${PREFIX}${this.instance}`);
    const record: OwnerRecord = {
      pid: process.pid,
      started: processStart(process.pid) ?? '',
      instance: this.instance,
      cgroup: this.cgroups?.directory ?? '',
    };
    writeFileSync(join(this.directory, OWNER_FILE), JSON.stringify(record), { mode: 0o600 });
  }

  get sessions(): string {
    return join(this.directory, 'sessions');
  }

  get trash(): string {
    return join(this.directory, 'trash');
  }

  /** Where namespaces take shape. */
  get namespaces(): string {
    return join(this.directory, 'namespaces');
  }

  /** Where files are that give users names. */
  get names(): string {
    return join(this.directory, 'names');
  }

  /** For what mounts files in them. */
  get mounts(): string {
    return join(this.directory, 'mounts');
  }

  async remove(): Promise<void> {
    await this.cgroups?.close();
    await clear(this.directory);
  }
}

/** Clears what daemons that crashed left in a temporary directory: programs, control groups, files. */
export async function clearLeftovers(parent: string, log: Log): Promise<void> {
  for (const name of entriesOf(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(parent, name);
    const record = readRecord(directory);
    if (!record || processStart(record.pid) === record.started) continue;
    await clearRecorded(directory, record, log);
  }
}

/** The same of one daemon, which is known to be gone: its directory may be, too. */
export async function clearLeftover(directory: string, log: Log): Promise<void> {
  const record = readRecord(directory);
  if (record) await clearRecorded(directory, record, log);
}

async function clearRecorded(directory: string, record: OwnerRecord, log: Log): Promise<void> {
  if (record.cgroup) await Cgroups.at(record.cgroup).close();
  await StrayHunter.killAll(record.instance);
  await clear(directory);
  log.event('cleared after a crash', { directory, pid: record.pid });
}

/** The record of a directory that is ours: anybody may make one of that name in /tmp. */
function readRecord(directory: string): OwnerRecord | undefined {
  try {
    const stats = lstatSync(directory);
    if (!stats.isDirectory() || stats.uid !== process.geteuid?.()) return undefined;
    const record: unknown = JSON.parse(readFileSync(join(directory, OWNER_FILE), 'utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is OwnerRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, started, instance, cgroup } = value as Partial<Record<keyof OwnerRecord, unknown>>;
  return (
    typeof pid === 'number' &&
    typeof started === 'string' &&
    typeof cgroup === 'string' &&
    typeof instance === 'string' &&
    /^[0-9a-f]{32}$/.test(instance)
  );
}

/** Users could write below `sessions`, and what was in it is in `trash`: those are cleared with care. */
async function clear(directory: string): Promise<void> {
  const trash = join(directory, 'trash');
  await removeTree(join(directory, 'sessions'), trash);
  for (const name of entriesOf(trash)) await removeTree(join(trash, name), trash);
  rmSync(join(directory, OWNER_FILE), { force: true });
  for (const own of ['mounts', 'names']) {
    rmSync(join(directory, own), { recursive: true, force: true });
  }
  const namespaces = join(directory, 'namespaces');
  for (const sid of entriesOf(namespaces)) Stage.remove(join(namespaces, sid));
  for (const empty of [trash, namespaces, directory]) {
    try {
      rmdirSync(empty);
    } catch {
      // Something of a user's that cannot be removed is still there: it is his, and harmless.
    }
  }
}

/** Names in a directory, none where it cannot be read. */
function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
