import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where what guests are made of is kept: `$XCPU_VM_CACHE`, or else in `node_modules`. */
export const cacheDirectory = resolve(
  process.env.XCPU_VM_CACHE ||
    fileURLToPath(new URL('../../node_modules/.cache/xcpu-vm', import.meta.url)),
);

/**
 * The directory of that name made of those inputs: as it is in the cache, or else as `make` fills it. One made of other
 * inputs goes.
 */
export async function cached(
  name: string,
  inputs: readonly (string | Uint8Array)[],
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const prefix = `${name}@`;
  const directory = join(cacheDirectory, prefix + digest(inputs));
  if (await exists(directory)) return directory;
  await mkdir(cacheDirectory, { recursive: true });
  const unfinished = await mkdtemp(join(cacheDirectory, 'unfinished-'));
  const start = performance.now();
  try {
    await make(unfinished);
    for (const old of await readdir(cacheDirectory)) {
      if (old.startsWith(prefix)) await rm(join(cacheDirectory, old), { recursive: true });
    }
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process may have been faster.
    if (await exists(directory)) return directory;
    throw error;
  }
  console.log(`made ${name} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return directory;
}

function digest(inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(input).update('\0');
  return hash.digest('hex').slice(0, 16);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
