import { existsSync } from 'node:fs';
import { type Arch, formatArch } from '@xcpu/xcpu-protocol';

/** Where programs of a kind of machine are on this one: `$XCPU_SYSROOT/<arch>` if it is there, else undefined. */
export function sysrootOf(
  arch: Arch,
  { XCPU_SYSROOT }: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (!XCPU_SYSROOT) return undefined;
  const directory = `${XCPU_SYSROOT}${formatArch(arch)}`;
  return existsSync(directory) ? directory : undefined;
}
