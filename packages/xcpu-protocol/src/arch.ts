import { machine, type } from 'node:os';
import { show, XcpuFormatError } from './errors.js';

/** A node's kind of machine, as uname(2) names it. */
export interface Arch {
  /** The system, `Linux`. */
  readonly system: string;
  /** The hardware, `x86_64`, `aarch64`, ... */
  readonly machine: string;
}

/** What Node.js calls an architecture (`process.arch`), as `uname -m` calls it. */
const MACHINES: ReadonlyMap<string, string> = new Map([
  ['x64', 'x86_64'],
  ['ia32', 'i686'],
  ['arm64', 'aarch64'],
  ['arm', 'armv7l'],
  ['ppc64', 'ppc64le'],
  ['riscv64', 'riscv64'],
  ['s390x', 's390x'],
  ['loong64', 'loongarch64'],
]);

/**
 * A node's `arch` file, `/Linux/x86_64`.
 *
 * @throws XcpuFormatError for any other shape; clients make paths of it, so `.` and `..` are refused
 */
export function parseArch(text: string): Arch {
  const match =
    /^\/([A-Za-z0-9_+-][A-Za-z0-9._+-]{0,63})\/([A-Za-z0-9_+-][A-Za-z0-9._+-]{0,63})$/.exec(text);
  if (!match) {
    throw new XcpuFormatError(`invalid arch ${show(text)}: expected /system/machine`);
  }
  return { system: match[1]!, machine: match[2]! };
}

/**
 * `/Linux/x86_64`, without a newline; `parseArch` gives the parts back.
 *
 * @throws XcpuFormatError when a part is not a plain name
 */
export function formatArch(arch: Arch): string {
  const text = `/${arch.system}/${arch.machine}`;
  parseArch(text);
  return text;
}

/** `uname -m` of an architecture that Node.js names so (`process.arch`); unknown ones stay. */
export function machineOfNodeArch(nodeArch: string): string {
  return MACHINES.get(nodeArch) ?? nodeArch;
}

/** The machine this process runs on. */
export function localArch(): Arch {
  return { system: type(), machine: machine() };
}
