import { parseAddress } from './address.js';
import { show, XcpuFormatError } from './errors.js';
import { mountOptionsReason } from './mount-types.js';
import { type NamespaceStep, TERM_ADDRESS } from './namespace.js';

/** What a namespace program may ask for beyond what every user may. */
export interface NamespacePolicy {
  /** File system types that `mount` may name: none by default; 'all', with any options, for the node's own program. */
  readonly mountTypes?: readonly string[] | 'all';
  /** Words may still hold variables that only the node knows: an address with a `$` in it is not judged. */
  readonly unresolved?: boolean;
}

/** What is wrong with one line of a namespace program. */
export interface NamespaceProblem {
  /** From 1. */
  readonly line: number;
  /** What and why, and the way out where there is one. */
  readonly reason: string;
}

/** The longest path that Linux takes, in bytes, without the NUL at its end: limits.h, PATH_MAX. */
export const MAX_PATH_BYTES = 4095;

/**
 * Whether a user may have the program run, before anything of it is. What a user may have: `unshare`, `bind`,
 * `import`, `cache`, `mkdir`, `tmpfs` (with `size`, `mode` and `nr_inodes` alone), `umount`, `cd`, `chroot` once; `mount` as far
 * as the policy says.
 *
 * An `unshare` stands before everything but `cd`. Where there is none it is taken as there: a session's program never
 * changes the node's own namespace.
 *
 * @returns what is wrong, by line; nothing if the program may run
 */
export function checkNamespace(
  steps: readonly NamespaceStep[],
  policy: NamespacePolicy = {},
): NamespaceProblem[] {
  const problems: NamespaceProblem[] = [];
  let [begun, rooted] = [false, false];
  for (const step of steps) {
    const { command, line } = step;
    const reasons = [...pathReasons(step), reasonAgainst(step, policy)];
    if (command === 'unshare' && begun) reasons.push('unshare comes before all but cd, and once');
    if (command === 'chroot' && rooted) reasons.push('chroot more than once');
    begun ||= command !== 'cd';
    rooted ||= command === 'chroot';
    for (const reason of reasons) if (reason !== undefined) problems.push({ line, reason });
  }
  return problems;
}

function pathReasons(step: NamespaceStep): (string | undefined)[] {
  if (step.command === 'bind') return [pathReason(step, step.old), pathReason(step, step.new)];
  return 'directory' in step ? [pathReason(step, step.directory)] : [];
}

function pathReason({ command }: NamespaceStep, path: string): string | undefined {
  if (path === '') return `${command}: a path is empty`;
  if (path.includes('\0')) return `${command}: a path holds a NUL`;
  if (path.length <= MAX_PATH_BYTES && Buffer.byteLength(path) <= MAX_PATH_BYTES) return undefined;
  return `${command}: the path ${show(path)} is longer than ${MAX_PATH_BYTES} bytes`;
}

function reasonAgainst(step: NamespaceStep, policy: NamespacePolicy): string | undefined {
  switch (step.command) {
    case 'mount':
      return mountReason(step, policy);
    case 'import':
    case 'cache':
      return addressReason(step, policy);
    case 'tmpfs':
      return tmpfsReason(step.options);
    default:
      return undefined;
  }
}

function mountReason(
  { type, options }: Extract<NamespaceStep, { command: 'mount' }>,
  { mountTypes = [] }: NamespacePolicy,
): string | undefined {
  if (mountTypes === 'all') return undefined;
  if (mountTypes.includes(type)) {
    const reason = mountOptionsReason(options);
    return reason && `mount: ${reason}`;
  }
  const others = 'bind, import and tmpfs are for everybody';
  return mountTypes.length === 0
    ? `mount: only the node's administrator may; ${others}`
    : `mount: type ${show(type)} is not allowed, only ${mountTypes.join(', ')}; ${others}`;
}

function addressReason(
  { command, address }: Extract<NamespaceStep, { readonly address: string }>,
  { unresolved }: NamespacePolicy,
): string | undefined {
  if (address === TERM_ADDRESS) return undefined;
  if (address.includes('$')) {
    return unresolved ? undefined : `${command}: ${show(address)} names a variable that is not set`;
  }
  try {
    parseAddress(address);
    return undefined;
  } catch (error) {
    if (error instanceof XcpuFormatError) return `${command}: ${error.message}`;
    throw error;
  }
}

/** What a value must look like, and what it is, for the message. In tmpfs(5), 0 is no limit at all. */
const TMPFS_OPTIONS: Readonly<Record<string, readonly [form: RegExp, what: string]>> = {
  size: [/^(?:0*[1-9]\d{0,14}[kmg]?|0*(?:[1-9]\d?|100)%)$/i, 'a size above 0, as in 64m or 10%'],
  nr_inodes: [/^0*[1-9]\d{0,14}[kmg]?$/i, 'a number above 0, as in 10k'],
  mode: [/^0*1?[0-7]{1,3}$/, 'permissions in octal up to 1777'],
};

function tmpfsReason(options: string): string | undefined {
  if (options === '') return undefined;
  const seen = new Set<string>();
  for (const option of options.split(',')) {
    const equals = option.indexOf('=');
    const name = equals < 0 ? option : option.slice(0, equals);
    if (!Object.hasOwn(TMPFS_OPTIONS, name)) {
      return `tmpfs: ${show(option)} is not allowed, only size=, mode= and nr_inodes=`;
    }
    if (seen.has(name)) return `tmpfs: ${name}= more than once`;
    seen.add(name);
    const [form, what] = TMPFS_OPTIONS[name]!;
    if (equals < 0 || !form.test(option.slice(equals + 1))) {
      return `tmpfs: ${show(option)}: ${name}= wants ${what}`;
    }
  }
  return undefined;
}
