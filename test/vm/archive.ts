import { posix } from 'node:path';

/** The root of a file system in the making: what an initramfs holds. Everything in it belongs to root. */
export class Tree {
  readonly #entries = new Map<string, Entry>();

  /** A directory and, where they are missing, those that lead to it. Paths start at the root, without a slash. */
  directory(path: string, permissions = 0o755): void {
    if (path === '.' || this.#entries.has(path)) return;
    this.directory(posix.dirname(path));
    this.#entries.set(path, { mode: Type.DIRECTORY | permissions, data: NOTHING });
  }

  file(path: string, data: Uint8Array, permissions = 0o644): void {
    this.#add(path, { mode: Type.FILE | permissions, data });
  }

  symlink(path: string, target: string): void {
    this.#add(path, { mode: Type.SYMLINK | 0o777, data: Buffer.from(target) });
  }

  characterDevice(path: string, major: number, minor: number): void {
    this.#add(path, { mode: Type.CHARACTER_DEVICE | 0o600, data: NOTHING, device: [major, minor] });
  }

  /** All of it as the kernel reads it, in pieces: a cpio archive in the format `newc` (initramfs-buffer-format). */
  archive(): Uint8Array[] {
    const all = [...this.#entries, ['TRAILER!!!', { mode: 0, data: NOTHING }] as const];
    return all.flatMap(([path, entry], index) => [
      padded(header(path, entry, index + 1)),
      padded(entry.data),
    ]);
  }

  #add(path: string, entry: Entry): void {
    this.directory(posix.dirname(path));
    this.#entries.set(path, entry);
  }
}

interface Entry {
  /** Type and permissions as in stat(2). */
  readonly mode: number;
  /** Content of a file, target of a link. */
  readonly data: Uint8Array;
  /** Major and minor number. */
  readonly device?: readonly [number, number];
}

const Type = {
  CHARACTER_DEVICE: 0o020000,
  DIRECTORY: 0o040000,
  FILE: 0o100000,
  SYMLINK: 0o120000,
} as const;

const NOTHING = new Uint8Array();
const NO_CHECKSUM = 0;

function header(path: string, { mode, data, device = [0, 0] }: Entry, inode: number): Uint8Array {
  const name = Buffer.from(`${path}\0`);
  const [owner, group, links, time] = [0, 0, 1, 0];
  const heldBy = [0, 0];
  const numbers = [inode, mode, owner, group, links, time, data.length, ...heldBy, ...device];
  const fields = [...numbers, name.length, NO_CHECKSUM];
  const digits = fields.map((field) => field.toString(16).padStart(8, '0'));
  return Buffer.concat([Buffer.from(`070701${digits.join('')}`), name]);
}

/** Headers and contents start at multiples of four bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  const missing = -bytes.length & 3;
  return missing === 0 ? bytes : Buffer.concat([bytes, new Uint8Array(missing)]);
}
