import { open } from 'node:fs/promises';

/** `e_machine` of elf(5), by the names that Node.js has for it. */
const MACHINES = { 62: 'x64', 183: 'arm64', 40: 'arm', 243: 'riscv64', 22: 's390x', 21: 'ppc64' };

/**
 * The architecture that a program is for, as process.arch has it.
 * @throws Error for what is no program of Linux, or of a machine that is not known
 */
export async function architectureOf(path) {
  const file = await open(path).catch(({ code }) => {
    throw new Error(`${path}: ${code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`}`);
  });
  try {
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
    if (buffer.toString('latin1', 0, 4) !== '\x7fELF')
      throw new Error(`${path}: no program of Linux`);
    const machine = buffer[5] === 2 ? buffer.readUInt16BE(18) : buffer.readUInt16LE(18);
    const arch = MACHINES[machine];
    if (!arch) throw new Error(`${path}: machine ${machine} is not known`);
    return arch;
  } finally {
    await file.close();
  }
}
