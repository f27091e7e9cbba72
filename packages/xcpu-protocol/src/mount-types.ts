import { show } from './errors.js';

/** Types that mean something else to mount(8), or that root must not mount for others: its reason. */
const NO_TYPES: Readonly<Record<string, string>> = {
  auto: 'a type is wanted, not whatever the device holds',
  bind: 'bind is for everybody, by the command of that name',
  none: 'a type is wanted',
  fuse: 'root would run the program that its device names',
  fuse3: 'root would run the program that its device names',
  fuseblk: 'root would run the program that its device names',
};

/** Why no administrator can let users mount file systems of that type; undefined if he can. */
export function mountTypeReason(type: string): string | undefined {
  if (!/^[a-z0-9][a-z0-9_.-]{0,31}$/i.test(type)) {
    return `${show(type)} is no type of file system`;
  }
  // A type with a dot names a program: fuse.sshfs.
  const [family = ''] = type.split('.');
  if (Object.hasOwn(NO_TYPES, family)) return `${type}: ${NO_TYPES[family]}`;
  if (type.startsWith('no')) return `${type}: mount(8) takes it for all types but one`;
  return undefined;
}

/**
 * Options that have mount(8), or what it starts, do something else than to mount what the type names: mount(8). All
 * that begins with `x-` or `X-`, too. The last of them name descriptors of the process that mounts.
 */
const NO_OPTIONS: ReadonlySet<string> = new Set([
  ...['bind', 'rbind', 'move', 'remount', 'helper', 'uhelper'],
  ...['loop', 'offset', 'sizelimit', 'encryption', 'context', 'fscontext', 'defcontext'],
  ...['rootcontext', 'shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate'],
  ...['unbindable', 'runbindable', 'suid', 'dev', 'defaults', 'user', 'users', 'owner', 'group'],
  ...['fd', 'rfdno', 'wfdno'],
]);

/** Why a user may not have these options of a type that he may mount; undefined if he may. */
export function mountOptionsReason(options: string): string | undefined {
  if (/["\\\s]/.test(options)) return 'options of mount are without quotes and blanks';
  for (const option of options.split(',')) {
    const [name = ''] = option.split('=');
    const refused = NO_OPTIONS.has(name.toLowerCase()) || /^(?:x-|verity\.)/i.test(name);
    if (refused) return `the option ${show(option)} is only for the node's administrator`;
  }
  return undefined;
}
