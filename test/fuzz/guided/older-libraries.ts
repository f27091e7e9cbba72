/** Versions of symbols that older systems lack, and one that every system has, of the same library. */
const VERSIONS: ReadonlyMap<string, string> = new Map([
  ['GLIBC_2.38', 'GLIBC_2.2.5'],
  ['GLIBCXX_3.4.32', 'GLIBCXX_3.4'],
]);
/** How C23 calls the number parsers that every C library has without it. */
const C23 = '__isoc23_';
/** Only says that iostreams are used; it is never called. */
const NEVER_CALLED = '_ZSt21ios_base_library_initv';

const SECTION = { DYNSYM: 11, VERNEED: 0x6ffffffe } as const;
const SYMBOL_SIZE = 24;
const WEAK = 2;

/**
 * A shared object (64 bits, little-endian) that was linked with glibc 2.38 and libstdc++ 13, changed so that older ones
 * load it, which have all that it uses, under older names. Source: elf(5), and the Linux Standard Base on symbol
 * versions. Only for a test's tool: what is parsed as C23 has it (`0b101`) no longer is.
 */
export function forOlderLibraries(binary: Buffer): Buffer {
  const elf = Buffer.from(binary);
  const sections = sectionsOf(elf);
  const named = (type: number) => {
    const found = sections.find((section) => section.type === type);
    const strings = found && sections[found.link];
    if (!found || !strings) throw new Error('no shared object that can be adapted');
    return { ...found, strings: strings.offset };
  };
  const symbols = named(SECTION.DYNSYM);
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += SYMBOL_SIZE) {
    const name = textAt(elf, symbols.strings + elf.readUInt32LE(at));
    if (name.startsWith(C23)) elf.writeUInt32LE(elf.readUInt32LE(at) + C23.length, at);
    if (name === NEVER_CALLED) elf[at + 4] = (WEAK << 4) | (elf[at + 4]! & 0xf);
  }
  const needs = named(SECTION.VERNEED);
  for (const { library, versions } of neededVersions(elf, needs.offset, needs.strings)) {
    for (const { at, name } of versions) {
      const older = VERSIONS.get(name);
      if (older === undefined) continue;
      const other = versions.find((version) => version.name === older);
      if (!other) throw new Error(`${library}: ${older} is not asked for`);
      elf.copy(elf, at, other.at, other.at + 4);
      elf.copy(elf, at + 8, other.at + 8, other.at + 12);
    }
  }
  return elf;
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

function sectionsOf(elf: Buffer): Section[] {
  if (elf.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw new Error('no 64-bit ELF file');
  const start = Number(elf.readBigUInt64LE(0x28));
  const [size, count] = [elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
    };
  });
}

/** The versions that each library has to have, and where that is said (Elf64_Vernaux). */
function* neededVersions(elf: Buffer, start: number, strings: number) {
  for (let need = start, next = -1; next !== 0; need += next) {
    const versions: { at: number; name: string }[] = [];
    let at = need + elf.readUInt32LE(need + 8);
    for (let left = elf.readUInt16LE(need + 2); left > 0; left--) {
      versions.push({ at, name: textAt(elf, strings + elf.readUInt32LE(at + 8)) });
      at += elf.readUInt32LE(at + 12);
    }
    yield { library: textAt(elf, strings + elf.readUInt32LE(need + 4)), versions };
    next = elf.readUInt32LE(need + 12);
  }
}

function textAt(elf: Buffer, at: number): string {
  return elf.toString('latin1', at, elf.indexOf(0, at));
}
