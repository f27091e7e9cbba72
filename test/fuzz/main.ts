import { parseArgs } from 'node:util';
import { MessageType } from '@xcpu/9p-protocol';
import { Fuzzer } from './fuzzer.js';
import type { Mode } from './target.js';
import type { Counts } from './wire.js';

const REQUESTS = Object.entries(MessageType).filter(([name]) => name.startsWith('T'));
/** What no file of a node can do: the answer is an error, but there is one. */
const UNSUPPORTED: ReadonlySet<number> = new Set([
  MessageType.Tsymlink,
  MessageType.Tmknod,
  MessageType.Treadlink,
  MessageType.Txattrwalk,
  MessageType.Txattrcreate,
  MessageType.Tlock,
  MessageType.Tgetlock,
  MessageType.Tlink,
]);

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    mode: { type: 'string', default: 'both' },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const modes: readonly Mode[] =
  values.mode === 'both' ? ['root', 'same-user'] : [values.mode === 'root' ? 'root' : 'same-user'];
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error(
    'usage: node test/fuzz/run.mjs daemon [--seconds N] [--seed N] [--mode root|same-user|both]',
  );
  process.exit(2);
}
console.log(
  `fuzz: ${seconds} s, seed ${seed} (repeat with: node test/fuzz/run.mjs daemon --seed ${seed})`,
);
const counts: Counts = new Map();
for (const mode of modes) await new Fuzzer(mode, seed, seconds / modes.length, counts).run();
report();

function report(): void {
  console.log('\nmessage         sent  answered  of these errors');
  for (const [name, type] of REQUESTS) {
    const { sent, answered, refused } = counts.get(type) ?? { sent: 0, answered: 0, refused: 0 };
    const columns = [String(sent).padStart(8), String(answered).padStart(8)];
    console.log(`${name.padEnd(12)}${columns.join('  ')}  ${String(refused).padStart(8)}`);
    if (answered - (UNSUPPORTED.has(type) ? 0 : refused) > 0) continue;
    console.error(`fuzz: no ${name} was answered`);
    process.exitCode = 1;
  }
  console.log(
    process.exitCode ? 'fuzz: FAILED' : 'fuzz: PASSED: the node answered or closed, every time',
  );
}
