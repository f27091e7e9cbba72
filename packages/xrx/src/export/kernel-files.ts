import { statfsSync, statSync } from 'node:fs';
import type { Uint64 } from '@xcpu/9p-protocol';
import type { LocalFile } from './local-file.js';

/**
 * File systems in which the kernel tells of itself and of processes, by their numbers in statfs(2): what is in
 * /proc/self there is xrx itself.
 */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x1cd1, // devpts
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x62656570, // configfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0xf97cff8c, // selinuxfs
  0x42494e4d, // binfmt_misc
  0x6e736673, // nsfs
  0x65735543, // fusectl
  0x19800202, // mqueue
]);

/** Where this machine has its own. */
export const KERNEL_DIRECTORIES: readonly string[] = ['/dev', '/proc', '/sys'];

/** How long an answer may be relied on, in milliseconds: things are mounted at any time. */
const FRESH_MS = 1000;
/** Directories that answers are kept for. */
const MAX_KNOWN = 10_000;

/** Tells the kernel's file systems from those that are exported, wherever they are mounted. */
export class KernelFiles {
  readonly #devices = new Set<bigint>();
  readonly #now: () => number;
  /** Directories that are none of theirs, by the paths of qids. */
  readonly #ordinary = new Set<Uint64>();
  #since = Number.NEGATIVE_INFINITY;
  #verdicts = new Map<bigint, boolean>();

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now;
    const root = deviceOf('/');
    for (const path of KERNEL_DIRECTORIES) {
      const device = deviceOf(path);
      if (device !== undefined && device !== root) this.#devices.add(device);
    }
  }

  /** Whether the directory is in one of them. */
  has(directory: LocalFile): boolean {
    this.#forget();
    const { path } = directory.qid;
    if (this.#ordinary.has(path)) return false;
    const { dev } = directory.stats();
    const kernel = this.#verdicts.get(dev) ?? this.#judge(dev, directory);
    if (!kernel) this.#ordinary.add(path);
    return kernel;
  }

  /** @throws Node's system error */
  hasPath(path: string): boolean {
    const { dev } = statSync(path, { bigint: true });
    return this.#devices.has(dev) || KERNEL_FILE_SYSTEMS.has(statfsSync(path).type);
  }

  #judge(device: bigint, directory: LocalFile): boolean {
    const verdict = this.#devices.has(device) || KERNEL_FILE_SYSTEMS.has(directory.statfs().type);
    this.#verdicts.set(device, verdict);
    return verdict;
  }

  #forget(): void {
    const now = this.#now();
    if (now - this.#since < FRESH_MS && this.#ordinary.size < MAX_KNOWN) return;
    this.#since = now;
    this.#ordinary.clear();
    this.#verdicts.clear();
  }
}

function deviceOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.dev;
}
