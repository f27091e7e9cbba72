// usage: node bench/run.mjs [--short] [BENCHMARK...]
//
// With --short one round is measured: to see that the benchmarks work, in a third of the time.
//
// Compiles each benchmark to one file and runs it with plain node, as users run the commands; all of them, one after
// the other, when none is named. Ends with 1 if one of them failed; what did not reach what is wanted is in the tables.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'node_modules/.cache/xcpu-bench');
const known = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));

const words = process.argv.slice(2);
const short = words.includes('--short');
const named = words.filter((word) => word !== '--short');
const wanted = named.length > 0 ? named : known;
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`bench: no such benchmark: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  process.exit(2);
}
await build({
  entryPoints: wanted.map((name) => join(root, 'bench', `${name}.ts`)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@xcpu/source'],
  // ssh2 tries these and does without: they are native, and only its ciphers would use them.
  external: ['*.node', 'cpu-features'],
  // CommonJS packages want a require.
  banner: {
    js: "import { createRequire as _createRequire } from 'node:module'; const require = _createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
for (const name of wanted) {
  const { status } = spawnSync(process.execPath, [join(out, `${name}.mjs`)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(short && { XCPU_BENCH_ROUNDS: '1' }) },
  });
  if (status !== 0) process.exitCode = 1;
}
