// usage: node test/fuzz/run.mjs [daemon|guided] [--seconds N] [--seed N] [options of that part]
//
// Compiles both fuzzers and runs them one after the other, or one of them: `guided` looks for new ways through the 9P
// library as it is built, guided by coverage; `daemon` sends conversations to the bundle of xcpufs, for half of that time
// if both run. Both are what `npm run build` made.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const DEFAULT_SECONDS = 60;

const root = fileURLToPath(new URL('../..', import.meta.url));
// As deep below the root as the source is: what finds the bundles looks for them from there.
const outdir = join(root, 'dist/fuzz');
const common = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outExtension: { '.js': '.mjs' },
  sourcemap: 'inline',
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: { fuzz: join(root, 'test/fuzz/main.ts') },
  outdir,
  conditions: ['@xcpu/source'],
  external: ['ssh2', 'node-forge'],
});
const targets = ['main', 'preload', 'codec', 'server', 'client'];
await build({
  ...common,
  entryPoints: targets.map((name) => join(root, `test/fuzz/guided/${name}.ts`)),
  outdir: join(outdir, 'guided'),
  // Only what is loaded from its own files is instrumented.
  packages: 'external',
});

const parts = { daemon: 'fuzz.mjs', guided: 'guided/main.mjs' };
const [first = '', ...rest] = process.argv.slice(2);
const one = Object.keys(parts).includes(first) ? first : undefined;
const args = one ? rest : process.argv.slice(2);
for (const [name, file] of Object.entries(parts)) {
  if (one && one !== name) continue;
  const options = one ? args : withTime(args, name === 'guided' ? 1 : 0.5);
  const command = ['--enable-source-maps', join(outdir, file), ...options];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
}

/** The options of a part that gets so much of the time. */
function withTime(given, share) {
  const at = given.indexOf('--seconds');
  const seconds = at < 0 ? DEFAULT_SECONDS : Number(given[at + 1]);
  const others = at < 0 ? given : given.toSpliced(at, 2);
  return ['--seconds', String(seconds * share), ...others];
}
