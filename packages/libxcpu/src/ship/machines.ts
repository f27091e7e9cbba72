import type { ElfFormat } from './elf.js';

/** What runs on a kind of machine, and where its libraries usually are. */
interface MachineKind {
  /** Names of uname(2). */
  readonly names: RegExp;
  readonly runs: readonly MachineFormat[];
}

interface MachineFormat extends Partial<ElfFormat> {
  readonly machine: number;
  /** As `uname -m` would call a machine that runs nothing else. */
  readonly name: string;
  /** Directories of the loader's own beside the usual ones: Debian's names. */
  readonly triplets: readonly string[];
}

const X86_64: MachineFormat = {
  ...{ machine: 62, bits: 64, name: 'x86_64' },
  triplets: ['x86_64-linux-gnu', 'x86_64-linux-musl'],
};
const X32: MachineFormat = {
  ...{ machine: 62, bits: 32, name: 'x32' },
  triplets: ['x86_64-linux-gnux32'],
};
const I386: MachineFormat = { machine: 3, name: 'i686', triplets: ['i386-linux-gnu'] };
const AARCH64: MachineFormat = {
  ...{ machine: 183, name: 'aarch64' },
  triplets: ['aarch64-linux-gnu', 'aarch64-linux-musl'],
};
const ARM: MachineFormat = {
  ...{ machine: 40, name: 'arm' },
  triplets: ['arm-linux-gnueabihf', 'arm-linux-gnueabi'],
};
const POWERPC: MachineFormat = {
  ...{ machine: 20, name: 'ppc' },
  triplets: ['powerpc-linux-gnu'],
};
const POWERPC64: Omit<MachineFormat, 'triplets'> = { machine: 21, name: 'ppc64' };
const S390: MachineFormat = {
  ...{ machine: 22, name: 's390x' },
  triplets: ['s390x-linux-gnu', 's390-linux-gnu'],
};
const RISCV64: MachineFormat = {
  ...{ machine: 243, bits: 64, name: 'riscv64' },
  triplets: ['riscv64-linux-gnu'],
};
const MIPS: MachineFormat = {
  ...{ machine: 8, name: 'mips' },
  triplets: [
    ...['mips-linux-gnu', 'mipsel-linux-gnu'],
    ...['mips64-linux-gnuabi64', 'mips64el-linux-gnuabi64'],
  ],
};
const LOONGARCH64: MachineFormat = {
  ...{ machine: 258, bits: 64, name: 'loongarch64' },
  triplets: ['loongarch64-linux-gnu'],
};

/** Numbers of elf.h, names of uname(2). */
const KINDS: readonly MachineKind[] = [
  { names: /^x86_64$/, runs: [X86_64, I386, X32] },
  { names: /^i[3-6]86$/, runs: [I386] },
  { names: /^aarch64$/, runs: [AARCH64, ARM] },
  { names: /^arm/, runs: [ARM] },
  {
    names: /^ppc64le$/,
    runs: [{ ...POWERPC64, littleEndian: true, triplets: ['powerpc64le-linux-gnu'] }],
  },
  {
    names: /^ppc64$/,
    runs: [{ ...POWERPC64, littleEndian: false, triplets: ['powerpc64-linux-gnu'] }, POWERPC],
  },
  { names: /^ppc$/, runs: [POWERPC] },
  { names: /^s390x?$/, runs: [S390] },
  { names: /^riscv64$/, runs: [RISCV64] },
  { names: /^mips/, runs: [MIPS] },
  { names: /^loongarch64$/, runs: [LOONGARCH64] },
];

/** Whether programs of that format run on a machine of that name of uname(2); undefined if nothing is known of it. */
export function runsOn(machine: string, format: ElfFormat): boolean | undefined {
  const kind = KINDS.find(({ names }) => names.test(machine));
  return kind?.runs.some((one) => covers(one, format));
}

/** What a format is called: the name of the machine, or its number. */
export function formatName(format: ElfFormat): string {
  return known(format)?.name ?? `machine ${format.machine} (${format.bits} bits)`;
}

/** Where Debian puts the libraries of that format, below `lib`: `x86_64-linux-gnu`. */
export function tripletsOf(format: ElfFormat): readonly string[] {
  return known(format)?.triplets ?? [];
}

function known(format: ElfFormat): MachineFormat | undefined {
  return KINDS.flatMap(({ runs }) => runs).find((one) => covers(one, format));
}

function covers(one: MachineFormat, format: ElfFormat): boolean {
  return (
    one.machine === format.machine &&
    (one.bits === undefined || one.bits === format.bits) &&
    (one.littleEndian === undefined || one.littleEndian === format.littleEndian)
  );
}
