/**
 * What it costs that programs on a node see the user's files: xrx as it is by default, against `xrx -l`, which shows them
 * the node's own, and against the same program from a mount that sshfs(1) makes on the node of the user's files.
 *
 * What is compared, and why it is fair:
 *
 * - All three are one command that the user waits for: it logs in to the node, mounts (but with -l) all of the user's files,
 *   takes that mount as the program's root, with the node's /dev, /proc and /sys in it, and runs the program. So the program,
 *   the loader, its libraries and its data come through the mount, and nothing of them was asked for before.
 * - What sshfs needs is done as quickly as can be: see sshfs.ts and ssh-targets.ts. ssh encrypts, which xrx does not do yet.
 * - Beside that there is a line for a mount by sshfs that stands already, and whose files are known. xrx has no such
 *   thing: each of its programs has a mount of its own.
 * - One machine is node and user: all the files are in its memory before anything is measured, on all sides. Cold means
 *   that the mount is new: the node has nothing of them. Warm is the second time in the same program.
 * - How long grep and the reads take is told by what runs them from the mount, without log-in and mounting.
 *
 * They are run in turn. Then the requests are counted that nodes send for a program's start.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, outputOf, timeCommand } from './lib/commands.js';
import { countRequests, type RequestCounts } from './lib/counted-files.js';
import { command, startNodes, xrxArguments } from './lib/nodes.js';
import { median, milliseconds, perSecond, type Row, report, times } from './lib/report.js';
import { roundsFor } from './lib/rounds.js';
import { startSshTargets } from './lib/ssh-targets.js';
import { hasSshfs, startSshfs, type Way } from './lib/sshfs.js';

const ROUNDS = roundsFor(7);
const BYTES = 512 * 2 ** 20;
const FOLDERS = 20;
const FILES_PER_FOLDER = 100;
const FILE_BYTES = 8 * 1024;
const NEEDLE = 'what grep looks for';

const WANTED_MORE_MS = 60;
const WANTED_RATE = 300;

/** Paths that all sides have: nothing is looked up, and no wrapper is measured. */
const TRUE = ['/bin/true'];
const PYTHON = ['/usr/bin/python3', '-c', 'pass'];

/** Prints the moments around a grep that has to find one file: $1 in the tree $2. */
const GREP = `LC_ALL=C
a=$EPOCHREALTIME
found=$(grep -rl "$1" "$2")
b=$EPOCHREALTIME
[[ $found == */file-7 ]] && echo $a $b`;
/**
 * Prints the moments around two reads of the file that it is given, by one process: to start one is measured apart. In
 * between whoever served the first may clean up, which takes garbage collectors a while; the second pays for that no more.
 */
const READ = `import os, sys, time
buffer = bytearray(1 << 20)
def read():
    start = time.time()
    file = os.open(sys.argv[1], os.O_RDONLY)
    while os.readv(file, [buffer]): pass
    os.close(file)
    return start, time.time()
first = read()
time.sleep(1)
print(*first, *read())`;

/** `mounted`: on a mount by sshfs that is made for the program; `standing`: on one that stood before. */
interface Ways {
  readonly files: Way;
  readonly own: Way;
  readonly mounted?: Way;
  readonly standing?: Way;
}

const cluster = await startNodes(1);
const tree = join(cluster.folder, 'tree');
const big = join(cluster.folder, 'big');
try {
  fill();
  await withSshfs(async (sshfs) => {
    const ways: Ways = { files: xrx('user'), own: xrx('node'), ...sshfs };
    report('files', [
      ...(await startRows(TRUE, ways, WANTED_MORE_MS)),
      ...(await startRows(PYTHON, ways)),
      ...(await grepRows(ways)),
      ...(await readRows(ways)),
    ]);
  });
  printCounts([
    [TRUE, await countRequests(cluster, TRUE)],
    [PYTHON, await countRequests(cluster, PYTHON)],
  ]);
} finally {
  await cluster.stop();
}

/** Files of the user, outside of /dev, /proc and /sys: those are the node's. */
function fill(): void {
  const text = Buffer.alloc(FILE_BYTES, 'a line of some text in a file of a project\n');
  for (let folder = 0; folder < FOLDERS; folder++) {
    mkdirSync(join(tree, `folder-${folder}`), { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file++)
      writeFileSync(join(tree, `folder-${folder}/file-${file}`), text);
  }
  writeFileSync(join(tree, 'folder-7/file-7'), `${NEEDLE}\n`);
  const block = Buffer.alloc(2 ** 20, 'contents of a file ');
  for (let bytes = 0; bytes < BYTES; bytes += block.length)
    writeFileSync(big, block, { flag: 'a' });
}

function xrx(files: 'node' | 'user'): Way {
  return (words, measure) =>
    measure({
      program: command('xrx'),
      args: xrxArguments(cluster, 1, words, files),
      cwd: cluster.folder,
      env: cluster.env,
    });
}

async function withSshfs(
  use: (ways: Pick<Ways, 'mounted' | 'standing'>) => Promise<void>,
): Promise<void> {
  if (!hasSshfs()) {
    console.log('files: no comparison with sshfs: it takes root, openssh-server and sshfs');
    return use({});
  }
  const targets = await startSshTargets(2, { ownNamespaces: true });
  try {
    const sshfs = await startSshfs(targets, cluster.folder);
    await use({ mounted: sshfs.mountAndRun, standing: sshfs.run });
  } finally {
    await targets.stop();
  }
}

/** @param most how much longer it may take than with the node's own files, in milliseconds */
async function startRows(words: readonly string[], ways: Ways, most?: number): Promise<Row[]> {
  const [files, own, mounted, standing] = await measured(ways, async (way) => [
    await way(words, timeCommand),
  ]);
  const [ours = Number.NaN] = files;
  const more = ours - (own[0] ?? Number.NaN);
  return [
    ...comparison(`start of ${words.join(' ')}, against sshfs`, ours, mounted[0], milliseconds, 1),
    ...comparison('… mounted before', ours, standing[0], milliseconds),
    {
      what: '… against xrx -l',
      measured: milliseconds(ours),
      baseline: milliseconds(ours - more),
      ratio: `+${milliseconds(more)}`,
      ...(most !== undefined && { wanted: `at most ${most} ms more`, met: more <= most }),
    },
  ];
}

async function grepRows({ files, own, mounted }: Ways): Promise<Row[]> {
  const words = ['/bin/bash', '-c', GREP, 'bash', NEEDLE, tree];
  const ways = { files, own, ...(mounted && { mounted }) };
  const [[ours = Number.NaN], [node], [theirs]] = await measured(ways, (way) =>
    durations(way, words),
  );
  return [
    ...comparison('grep -r in 2,000 files, cold, against sshfs', ours, theirs, milliseconds, 1),
    ...comparison('… against xrx -l', ours, node, milliseconds),
  ];
}

async function readRows({ files, own, mounted }: Ways): Promise<Row[]> {
  const words = ['/usr/bin/python3', '-c', READ, big];
  const ways = { files, own, ...(mounted && { mounted }) };
  const [ours, node, theirs] = await measured(ways, async (way) => {
    const [cold = Number.NaN, , warm = Number.NaN] = await durations(way, words);
    return [cold, warm];
  });
  const rate = (ms: number) => perSecond(BYTES, ms);
  const [cold = Number.NaN, warm = Number.NaN] = ours;
  return [
    {
      what: 'read of 512 MiB, cold',
      measured: rate(cold),
      wanted: `at least ${WANTED_RATE} MB/s`,
      met: BYTES / 1e3 / cold >= WANTED_RATE,
    },
    ...comparison('… against sshfs', cold, theirs[0], rate, 1),
    ...comparison('… against xrx -l', cold, node[0], rate),
    ...comparison('read of 512 MiB, warm, against sshfs', warm, theirs[1], rate, 1),
    ...comparison('… against xrx -l', warm, node[1], rate),
  ];
}

type Figures = readonly (number | undefined)[];

/** Medians of what each way's runs answer; none for a way that is not there. */
async function measured(
  { files, own, mounted, standing }: Ways,
  measure: (way: Way) => Promise<readonly number[]>,
): Promise<[files: Figures, own: Figures, mounted: Figures, standing: Figures]> {
  // The node's own first: what the machine has to read of a disk, it reads then.
  const ways = [own, files, mounted, standing].filter((way) => way !== undefined);
  const results = await inTurn(
    ways.map((way) => () => measure(way)),
    ROUNDS,
  );
  const [node = [], ours = [], made = [], before = []] = results.map((rounds) =>
    (rounds[0] ?? []).map((_, figure) => median(rounds.map((round) => round[figure]!))),
  );
  return [ours, node, made, before];
}

/** Milliseconds between the moments that a program prints, in seconds. */
async function durations(way: Way, words: readonly string[]): Promise<number[]> {
  const moments = (await way(words, outputOf)).trim().split(' ').map(Number);
  return moments.slice(1).map((moment, before) => 1000 * (moment - moments[before]!));
}

/** @param wanted by which factor the first is to be faster than the second; both are in milliseconds */
function comparison(
  what: string,
  ours: number,
  theirs: number | undefined,
  show: (ms: number) => string,
  wanted?: number,
): Row[] {
  if (theirs === undefined) return [];
  const ratio = theirs / ours;
  return [
    {
      what,
      measured: show(ours),
      baseline: show(theirs),
      ratio: times(ratio),
      ...(wanted !== undefined && { wanted: 'faster', met: ratio > wanted }),
    },
  ];
}

function printCounts(counted: readonly (readonly [readonly string[], RequestCounts])[]): void {
  console.log('9P requests from login to end of program:');
  for (const [words, counts] of counted) {
    const all = [...counts].sort(([, a], [, b]) => b - a);
    const sum = all.reduce((total, [, count]) => total + count, 0);
    const list = all.map(([type, count]) => `${type} ${count}`).join(', ');
    console.log(`  ${words.join(' ')}: ${sum} (${list})`);
  }
  console.log();
}
