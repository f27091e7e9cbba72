import { constants } from 'node:fs';
import { LinuxOpen } from '@xcpu/9p-protocol';

/** The flags of open(2), by the numbers of this machine, as bits of LinuxOpen; what only concerns this machine is left out. */
export function openFlags(flags: number): number {
  return (
    (flags & LinuxOpen.ACCESS_MASK) |
    (flags & constants.O_TRUNC ? LinuxOpen.TRUNC : 0) |
    (flags & constants.O_APPEND ? LinuxOpen.APPEND : 0) |
    (flags & constants.O_EXCL ? LinuxOpen.EXCL : 0) |
    (flags & constants.O_DSYNC ? LinuxOpen.DSYNC : 0) |
    (flags & constants.O_NOATIME ? LinuxOpen.NOATIME : 0)
  );
}
