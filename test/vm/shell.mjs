// usage: npm run vm
//
// Boots a guest with a shell in this terminal, and prints how to reach its xcpufs from another one. `npm run build` made
// the commands that are in the guest.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
// As deep below the root as the source is, from where it finds the rest.
const outfile = join(root, 'dist/vm/shell.mjs');
await build({
  entryPoints: [join(root, 'test/vm/shell.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@xcpu/source'],
  external: ['ssh2', 'node-forge'],
  logLevel: 'warning',
});
await import(pathToFileURL(outfile).href);
