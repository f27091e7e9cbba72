/** What an ELF file of these tests says of itself. */
export interface ElfContents {
  readonly bits?: 32 | 64;
  readonly littleEndian?: boolean;
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly rpath?: string;
  readonly runpath?: string;
  /** DT_FLAGS_1 */
  readonly flags?: number;
  /** Bytes behind all that. */
  readonly more?: string;
}

export const X86_64 = 62;
export const I386 = 3;
export const AARCH64 = 183;
export const S390 = 22;

/** Where the file's bytes are in memory: not at their offset. */
const BASE = 0x400000;

/** An ELF file that no machine could run, with the headers of one that it could. */
export function elfFile(contents: ElfContents = {}): Buffer {
  const { bits = 64, littleEndian = true, machine = X86_64, more = '' } = contents;
  const { interpreter, needed = [], soname, rpath, runpath, flags } = contents;
  const wide = bits === 64;
  const strings = new Strings();
  const dynamic: [tag: number, value: number][] = needed.map((name) => [1, strings.add(name)]);
  if (soname !== undefined) dynamic.push([14, strings.add(soname)]);
  if (rpath !== undefined) dynamic.push([15, strings.add(rpath)]);
  if (runpath !== undefined) dynamic.push([29, strings.add(runpath)]);
  if (flags !== undefined) dynamic.push([0x6ffffffb, flags]);
  const hasDynamic = dynamic.length > 0;
  const header = wide ? 64 : 52;
  const entry = wide ? 56 : 32;
  const count = 1 + (interpreter === undefined ? 0 : 1) + (hasDynamic ? 1 : 0);
  const interpreterAt = header + count * entry;
  const name = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`);
  const dynamicAt = interpreterAt + name.length;
  const dynamicBytes = hasDynamic ? ((dynamic.length + 2) * bits) / 4 : 0;
  const stringsAt = dynamicAt + dynamicBytes;
  const table = strings.bytes();
  const size = stringsAt + table.length;
  if (hasDynamic) dynamic.push([5, BASE + stringsAt], [0, 0]);

  const file = Buffer.alloc(size);
  const view = new DataView(file.buffer, file.byteOffset, size);
  const half = (at: number, value: number) => view.setUint16(at, value, littleEndian);
  const int = (at: number, value: number) => view.setUint32(at, value, littleEndian);
  const word = (at: number, value: number) =>
    wide ? view.setBigUint64(at, BigInt(value), littleEndian) : int(at, value);
  file.write('\x7fELF', 'latin1');
  file.set([wide ? 2 : 1, littleEndian ? 1 : 2, 1], 4);
  half(16, 3);
  half(18, machine);
  word(wide ? 32 : 28, header);
  half(wide ? 54 : 42, entry);
  half(wide ? 56 : 44, count);
  const segments: [type: number, offset: number, length: number][] = [[1, 0, size]];
  if (interpreter !== undefined) segments.push([3, interpreterAt, name.length]);
  if (hasDynamic) segments.push([2, dynamicAt, dynamicBytes]);
  for (const [index, [type, offset, length]] of segments.entries()) {
    const at = header + index * entry;
    int(at, type);
    word(at + (wide ? 8 : 4), offset);
    word(at + (wide ? 16 : 8), BASE + offset);
    word(at + (wide ? 32 : 16), length);
  }
  file.set(name, interpreterAt);
  for (const [index, [tag, value]] of dynamic.entries()) {
    word(dynamicAt + (index * bits) / 4, tag);
    word(dynamicAt + (index * bits) / 4 + bits / 8, value);
  }
  file.set(table, stringsAt);
  return Buffer.concat([file, Buffer.from(more)]);
}

/** Names one behind the other, the first one empty. */
class Strings {
  #text = '\0';

  add(text: string): number {
    const place = Buffer.byteLength(this.#text);
    this.#text += `${text}\0`;
    return place;
  }

  bytes(): Buffer {
    return Buffer.from(this.#text);
  }
}

/** A loader that can be told what it is to be told. */
export function loaderFile(contents: ElfContents = {}): Buffer {
  return elfFile({ soname: 'ld-linux-x86-64.so.2', more: '--library-path --argv0', ...contents });
}
