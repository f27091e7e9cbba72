/** What of an ELF file the kernel and the dynamic loader need to start it. Source: elf(5), ld.so(8). */
export interface ElfFile {
  readonly format: ElfFormat;
  /** The dynamic loader that it asks for; undefined where it is started without. */
  readonly interpreter: string | undefined;
  /** The libraries that it needs, as it names them, in order. */
  readonly needed: readonly string[];
  /** How the loader knows it once it is loaded. */
  readonly soname: string | undefined;
  /** Where its libraries are looked for first, as written: `/a:$ORIGIN/b`. */
  readonly rpath: string | undefined;
  /** The same, looked at after `$LD_LIBRARY_PATH`; with it `rpath` counts for nothing. */
  readonly runpath: string | undefined;
  /** Whether the system's own directories are not to be searched for it. */
  readonly noDefaultPath: boolean;
  /** Changes that make it take its libraries from where the loader is told first. */
  readonly patches: readonly Patch[];
}

/** Which machines a file is for: files of one program have all in common. */
export interface ElfFormat {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  /** `e_machine` */
  readonly machine: number;
}

/** Bytes that take the place of others in a file. */
export interface Patch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes of a file: fewer than `length` where it ends before. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** The file says that it is ELF, and is damaged. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

/** Program headers and dynamic entries of one file: compilers write a dozen and some thirty. */
const MAX_HEADERS = 1024;
const MAX_DYNAMIC_ENTRIES = 16_384;
/** PATH_MAX of Linux: no name, and no list of directories that is worth it, is longer. */
const MAX_STRING = 4096;

const MAGIC = Buffer.from('\x7fELF', 'latin1');
const IDENT_BYTES = 16;

/** Kinds of program header. */
const Segment = { LOAD: 1, DYNAMIC: 2, INTERP: 3 } as const;

/** Tags of the dynamic section. */
const Tag = {
  NULL: 0,
  NEEDED: 1,
  STRTAB: 5,
  SONAME: 14,
  RPATH: 15,
  RUNPATH: 29,
  FLAGS_1: 0x6ffffffb,
} as const;
/** In FLAGS_1. */
const NODEFLIB = 0x800;

/**
 * Reads what a program or library says of itself; undefined if it is no ELF file.
 * @throws ElfError if it is cut off or damaged, or what `read` throws
 */
export function readElf(read: ReadAt): ElfFile | undefined {
  const ident = read(0, IDENT_BYTES);
  if (!ident.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (ident.length < IDENT_BYTES) throw new ElfError('it is cut off');
  const bits = { 1: 32, 2: 64 }[ident[4]!] as 32 | 64 | undefined;
  const littleEndian = { 1: true, 2: false }[ident[5]!];
  if (bits === undefined || littleEndian === undefined) {
    throw new ElfError('neither 32 nor 64 bits, or in no known order of bytes');
  }
  const file = new Fields(read, bits, littleEndian);
  const machine = file.block(0, bits === 64 ? 64 : 52).half(18);
  const headers = programHeaders(file);
  const dynamic = dynamicEntries(file, headers);
  const strings = stringTable(file, headers, dynamic);
  const text = (tag: number) => {
    const entry = dynamic.find((one) => one.tag === tag);
    return entry && strings(entry.value);
  };
  const needed = dynamic.filter(({ tag }) => tag === Tag.NEEDED);
  const runpath = text(Tag.RUNPATH);
  const flags = dynamic.find(({ tag }) => tag === Tag.FLAGS_1)?.value ?? 0;
  return {
    format: { bits, littleEndian, machine },
    interpreter: interpreterOf(file, headers),
    needed: needed.map(({ value }) => strings(value)),
    soname: text(Tag.SONAME),
    rpath: text(Tag.RPATH),
    runpath,
    // The low 32 bits are all that the loader looks at.
    noDefaultPath: ((flags % 2 ** 32) & NODEFLIB) !== 0,
    patches: [
      ...needed.flatMap((entry) => plainName(file, entry, strings(entry.value))),
      ...(runpath === undefined ? searchedLater(file, dynamic) : []),
    ],
  };
}

/** Whether both are for the same machines. */
export function sameFormat(one: ElfFormat, other: ElfFormat): boolean {
  return (
    one.bits === other.bits &&
    one.littleEndian === other.littleEndian &&
    one.machine === other.machine
  );
}

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly length: number;
}

interface DynamicEntry {
  readonly tag: number;
  readonly value: number;
  /** Where it is in the file. */
  readonly offset: number;
}

function programHeaders(file: Fields): ProgramHeader[] {
  const wide = file.bits === 64;
  const header = file.block(0, wide ? 64 : 52);
  const start = header.word(wide ? 32 : 28);
  const size = header.half(wide ? 54 : 42);
  const count = header.half(wide ? 56 : 44);
  if (count === 0) return [];
  if (count > MAX_HEADERS || size < (wide ? 56 : 32)) throw new ElfError('odd program headers');
  const table = file.block(start, count * size);
  return Array.from({ length: count }, (_, index) => {
    const at = index * size;
    return {
      type: table.int(at),
      offset: table.word(at + (wide ? 8 : 4)),
      address: table.word(at + (wide ? 16 : 8)),
      length: table.word(at + (wide ? 32 : 16)),
    };
  });
}

function interpreterOf(file: Fields, headers: readonly ProgramHeader[]): string | undefined {
  const header = headers.find(({ type }) => type === Segment.INTERP);
  if (!header) return undefined;
  if (header.length > MAX_STRING) throw new ElfError('the name of its interpreter has no end');
  return file.string(header.offset);
}

function dynamicEntries(file: Fields, headers: readonly ProgramHeader[]): DynamicEntry[] {
  const header = headers.find(({ type }) => type === Segment.DYNAMIC);
  if (!header) return [];
  const size = file.bits / 4;
  const count = Math.floor(header.length / size);
  if (count > MAX_DYNAMIC_ENTRIES) throw new ElfError('too many dynamic entries');
  const table = file.block(header.offset, count * size);
  const entries: DynamicEntry[] = [];
  for (let at = 0; at < count * size; at += size) {
    const tag = table.word(at);
    if (tag === Tag.NULL) break;
    entries.push({ tag, value: table.word(at + size / 2), offset: header.offset + at });
  }
  return entries;
}

/** The strings that dynamic entries name, by their place in the table. */
function stringTable(
  file: Fields,
  headers: readonly ProgramHeader[],
  dynamic: readonly DynamicEntry[],
): (place: number) => string {
  const address = dynamic.find(({ tag }) => tag === Tag.STRTAB)?.value;
  const segment = headers.find(
    (one) =>
      one.type === Segment.LOAD &&
      address !== undefined &&
      address >= one.address &&
      address - one.address < one.length,
  );
  return (place) => {
    if (address === undefined || !segment) throw new ElfError('it has no table of names');
    return file.string(segment.offset + (address - segment.address) + place);
  };
}

/**
 * A library that is named by its place would be looked for there and nowhere else: what is behind the last `/` is a
 * name like any other, and is in the table already.
 */
function plainName(file: Fields, { offset, value }: DynamicEntry, name: string): Patch[] {
  const slash = Buffer.from(name).lastIndexOf('/');
  if (slash < 0) return [];
  const half = file.bits / 8;
  return [{ offset: offset + half, bytes: file.encode(value + slash + 1) }];
}

/** RPATH is looked at before the place that the loader is told, RUNPATH after it. */
function searchedLater(file: Fields, dynamic: readonly DynamicEntry[]): Patch[] {
  return dynamic
    .filter(({ tag }) => tag === Tag.RPATH)
    .map(({ offset }) => ({ offset, bytes: file.encode(Tag.RUNPATH) }));
}

/** Numbers and strings of a file, in its own size and order of bytes. */
class Fields {
  readonly bits: 32 | 64;
  readonly #littleEndian: boolean;
  readonly #read: ReadAt;

  constructor(read: ReadAt, bits: 32 | 64, littleEndian: boolean) {
    this.#read = read;
    this.bits = bits;
    this.#littleEndian = littleEndian;
  }

  /** @throws ElfError if the file ends before */
  block(offset: number, length: number): Block {
    const bytes = this.#bytes(offset, length);
    if (bytes.length < length) throw new ElfError('it is cut off');
    return new Block(bytes, this.bits, this.#littleEndian);
  }

  /** @throws ElfError if it has no end */
  string(offset: number): string {
    const bytes = this.#bytes(offset, MAX_STRING);
    const end = bytes.indexOf(0);
    if (end < 0) throw new ElfError('a name in it has no end');
    return bytes.toString('utf8', 0, end);
  }

  encode(value: number): Uint8Array {
    const bytes = Buffer.alloc(this.bits / 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.bits === 64) view.setBigUint64(0, BigInt(value), this.#littleEndian);
    else view.setUint32(0, value, this.#littleEndian);
    return bytes;
  }

  /** Beyond 2^53 there is nothing to be read. */
  #bytes(offset: number, length: number): Buffer {
    if (!Number.isSafeInteger(offset + length)) throw new ElfError('it is cut off');
    return this.#read(offset, length);
  }
}

class Block {
  readonly #view: DataView;
  readonly #wide: boolean;
  readonly #littleEndian: boolean;

  constructor({ buffer, byteOffset, byteLength }: Buffer, bits: 32 | 64, littleEndian: boolean) {
    this.#view = new DataView(buffer, byteOffset, byteLength);
    this.#wide = bits === 64;
    this.#littleEndian = littleEndian;
  }

  half(at: number): number {
    return this.#view.getUint16(at, this.#littleEndian);
  }

  int(at: number): number {
    return this.#view.getUint32(at, this.#littleEndian);
  }

  /** A number of the file's own size. */
  word(at: number): number {
    if (!this.#wide) return this.int(at);
    return Number(this.#view.getBigUint64(at, this.#littleEndian));
  }
}
