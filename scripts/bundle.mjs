// usage: node scripts/bundle.mjs [COMMAND...]
//
// Bundles each command into one file, all of them when none is named, and writes the manual pages.
import { bundle, COMMANDS } from './lib/bundles.mjs';
import { describeCommands } from './lib/describe/commands.mjs';
import { writeManuals } from './lib/manual/write.mjs';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !COMMANDS.includes(name));
if (unknown.length > 0) {
  console.error(`bundle: no such command: ${unknown.join(', ')}; there are ${COMMANDS.join(', ')}`);
  process.exit(2);
}
try {
  await bundle(names.length > 0 ? names : undefined, 'info');
} catch (error) {
  // What is wrong in the sources esbuild has printed.
  if (!error.errors) console.error(`bundle: ${error.message}`);
  process.exit(1);
}
await writeManuals(await describeCommands(COMMANDS));
