import { readFileSync } from 'node:fs';
import { SetupError } from '../errors.js';
import type { LocalFile } from './local-file.js';

/** Loaders are some hundred KiB; musl's is the whole C library. */
const MAX_LOADER_BYTES = 16 * 1024 * 1024;

/**
 * Whether a dynamic loader can be told the name that the program is to have: glibc 2.33 and later, musl 1.2.2 and
 * later.
 * @throws SetupError if it cannot even be told where libraries are, as it cannot be shipped then
 */
export function takesName(loader: LocalFile): boolean {
  const { path, stats } = loader;
  const bytes = stats.size > MAX_LOADER_BYTES ? Buffer.alloc(0) : readFileSync(path);
  if (!bytes.includes('library-path')) {
    throw new SetupError(
      `${path}: this loader cannot be told where libraries are, as those of glibc and musl can; link the program statically`,
    );
  }
  return bytes.includes('argv0');
}
