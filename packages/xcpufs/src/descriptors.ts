import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** open(2)'s O_CLOEXEC as /proc/self/fdinfo shows it, in octal; Node does not name it. */
const O_CLOEXEC = 0o2000000;

/**
 * Closes the descriptors that whoever started the daemon left open, for they would be handed on to every program.
 * Node's own, and all that the daemon opens, are closed at exec anyway.
 */
export function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd > 2 && survivesExec(fd)) closeSync(fd);
  }
}

function survivesExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
    return flags !== null && (Number.parseInt(flags[1] as string, 8) & O_CLOEXEC) === 0;
  } catch {
    // It was the one with which the directory was read.
    return false;
  }
}
