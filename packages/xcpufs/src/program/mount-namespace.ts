import { closeSync, openSync, readlinkSync } from 'node:fs';

/** A session's mount namespace, held so that its number becomes no other's: namespaces(7). */
export class MountNamespace {
  /** As /proc shows it: `mnt:[4026532833]`. */
  readonly name: string;
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
    this.name = readlinkSync(`/proc/self/fd/${fd}`);
  }

  /**
   * That of a process, undefined if it has none of its own.
   * @param pid a child that was not waited for yet: else its number may be another process's
   */
  static hold(pid: number): MountNamespace | undefined {
    try {
      const held = new MountNamespace(openSync(pathOf(pid), 'r'));
      if (held.name !== mountNamespaceOf('self')) return held;
      held.release();
    } catch {
      // It has ended.
    }
    return undefined;
  }

  release(): void {
    closeSync(this.#fd);
  }
}

/** The name of a process's mount namespace; undefined where it has ended, or is not this user's to look at. */
export function mountNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(pathOf(pid));
  } catch {
    return undefined;
  }
}

function pathOf(pid: number | 'self'): string {
  return `/proc/${pid}/ns/mnt`;
}
