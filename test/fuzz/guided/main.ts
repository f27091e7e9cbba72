import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { codecSeeds, conversationSeeds } from './seeds.js';

const directory = dirname(fileURLToPath(import.meta.url));
/** What is instrumented: the library as it is built. */
const INSTRUMENTED = 'packages/9p-protocol/dist/';
/** Longest input in bytes: longer ones say little that is new. */
const MAX_LENGTH = 600;
/** A single input takes milliseconds; one that takes this many seconds hangs. */
const TIMEOUT = 20;

interface Target {
  readonly name: string;
  /** It never waits: ten times as many inputs a second. */
  readonly sync: boolean;
  readonly seeds: (seed: number) => Buffer[];
  /** Of the time. */
  readonly share: number;
}

const TARGETS: readonly Target[] = [
  { name: 'codec', sync: true, seeds: codecSeeds, share: 0.2 },
  { name: 'server', sync: false, seeds: conversationSeeds, share: 0.5 },
  { name: 'client', sync: false, seeds: conversationSeeds, share: 0.3 },
];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    target: { type: 'string' },
    input: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const targets = TARGETS.filter(({ name }) => name === (values.target ?? name));
const { input } = values;
if (
  !(seconds > 0) ||
  !(Number.isSafeInteger(seed) && seed > 0) ||
  targets.length === 0 ||
  (input !== undefined && values.target === undefined)
) {
  console.error(
    'usage: run.mjs guided [--seconds N] [--seed N] [--target codec|server|client [--input HEX]]',
  );
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'xcpu-fuzz-'));
try {
  const passed: boolean[] = [];
  for (const target of targets)
    passed.push(await (input === undefined ? run(target) : repeat(target, input)));
  const failed = passed.includes(false);
  console.log(failed ? 'guided fuzz: FAILED' : 'guided fuzz: PASSED');
  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Runs a target for its share of the time. */
async function run(target: Target): Promise<boolean> {
  const { name, seeds } = target;
  const corpus = join(scratch, name);
  mkdirSync(corpus);
  for (const [index, bytes] of seeds(seed).entries()) {
    writeFileSync(join(corpus, String(index).padStart(5, '0')), bytes);
  }
  const share = targets.length === 1 ? 1 : target.share;
  const time = Math.max(1, Math.round(seconds * share));
  const { status, log } = await jazzer(target, [corpus], [`-max_total_time=${time}`]);
  const executions = Number(/number_of_executed_units: (\d+)/.exec(log)?.[1] ?? 0);
  const coverage = Number(
    log
      .match(/cov: \d+/g)
      ?.at(-1)
      ?.slice(5) ?? 0,
  );
  const passed = status === 0 && executions > 0 && coverage > 0;
  console.log(
    `guided ${name}: ${executions} inputs in ${time} s, ${coverage} edges covered, ${passed ? 'PASSED' : 'FAILED'}`,
  );
  if (!passed) tell(target, log);
  return passed;
}

/** Runs a target with one input, to look into a finding. */
async function repeat(target: Target, hex: string): Promise<boolean> {
  const file = join(scratch, 'input');
  writeFileSync(file, Buffer.from(hex, 'hex'));
  const { status, log } = await jazzer(target, [file], ['-runs=1'], { FUZZ_TRACE: '1' });
  console.log(log);
  return status === 0;
}

function tell({ name }: Target, log: string): void {
  console.error(log.split('\n').slice(-60).join('\n'));
  for (const file of readdirSync(scratch)) {
    if (!/^(crash|timeout|oom|leak|slow-unit)-/.test(file)) continue;
    const hex = readFileSync(join(scratch, file), 'hex');
    console.error(
      `guided fuzz: repeat with\n  node test/fuzz/run.mjs guided --target ${name} --input ${hex}`,
    );
  }
}

function jazzer(
  { name, sync }: Target,
  inputs: readonly string[],
  options: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ status: number | null; log: string }> {
  const cli = createRequire(import.meta.url).resolve('@jazzer.js/core/dist/cli.js');
  // Into a file: Node makes pipes such that the fuzzer's own writes get lost when they are full.
  const file = join(scratch, `${name}.log`);
  const output = openSync(file, 'w');
  const child = spawn(
    process.execPath,
    [
      ...['--enable-source-maps', '--import', join(directory, 'preload.mjs'), cli],
      ...[join(directory, `${name}.mjs`), ...inputs, '--includes', INSTRUMENTED],
      // They look for injected commands and paths, of which there are none here, and slow everything down.
      ...['--disableBugDetectors', '.*', ...(sync ? ['--sync'] : []), '--'],
      ...options,
      ...[`-seed=${seed}`, `-max_len=${MAX_LENGTH}`, `-timeout=${TIMEOUT}`],
      ...[`-artifact_prefix=${scratch}/`, '-print_final_stats=1'],
    ],
    { stdio: ['ignore', output, output], env: { ...process.env, TMPDIR: scratch, ...environment } },
  );
  closeSync(output);
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, log: readFileSync(file, 'utf8') }));
  });
}
