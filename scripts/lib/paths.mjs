import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root directory. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Holds a link to every bundle, so that one entry in PATH gives all commands. */
export const BIN = join(ROOT, 'dist/bin');
