import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forOlderLibraries } from './older-libraries.js';

// Loaded before jazzer. Its binary part asks for glibc 2.38, and nothing of it; Debian 12 has 2.36. What cannot be
// loaded as it is, is loaded from a copy that asks for less.
const load = process.dlopen.bind(process);
process.dlopen = (module, file, ...rest) => {
  try {
    return load(module, file, ...rest);
  } catch (error) {
    if (!/version `GLIBC/.test(String(error))) throw error;
    return load(module, adapted(file), ...rest);
  }
};

function adapted(file: string): string {
  const copy = join(dirname(fileURLToPath(import.meta.url)), 'native', basename(file));
  mkdirSync(dirname(copy), { recursive: true });
  // Under another name first: several targets may start at a time.
  const unfinished = `${copy}.${process.pid}`;
  writeFileSync(unfinished, forOlderLibraries(readFileSync(file)));
  renameSync(unfinished, copy);
  return copy;
}
