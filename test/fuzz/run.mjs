// usage: node test/fuzz/run.mjs [--seconds N] [--seed N] [--mode root|same-user|both]
//
// Compiles the fuzzer to one file and runs it against the bundle of xcpufs that `npm run build` made.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
// As deep below the root as the source is: what finds the bundles looks for them from there.
const outfile = join(root, 'dist/fuzz/fuzz.mjs');
await build({
  entryPoints: [join(root, 'test/fuzz/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@xcpu/source'],
  external: ['ssh2', 'node-forge'],
  sourcemap: 'inline',
  logLevel: 'warning',
});
const args = ['--enable-source-maps', outfile, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
