// usage: node scripts/bundle.mjs [COMMAND...]
//
// Bundles each command into one file, all of them when none is named.
import { bundle, COMMANDS } from './lib/bundles.mjs';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !COMMANDS.includes(name));
if (unknown.length > 0) {
  console.error(`bundle: no such command: ${unknown.join(', ')}; there are ${COMMANDS.join(', ')}`);
  process.exit(2);
}
try {
  await bundle(names.length > 0 ? names : undefined, 'info');
} catch {
  // esbuild has printed what is wrong.
  process.exit(1);
}
