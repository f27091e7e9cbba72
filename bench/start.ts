/**
 * How long it takes to run `true` on 1, 8 and 64 nodes, each a daemon process of its own, against ssh and pdsh on as
 * many sshd processes; and how much longer a command takes to start than Node.js itself.
 *
 * Both sides log in with a key that nothing caches, start a process as an ordinary shell command would, and wait for
 * its end. They run in turn on the same machine after the same warm-up. What is done for sshd is in ssh-targets.ts.
 */

import { type Command, isInstalled, timeInTurn } from './lib/commands.js';
import { command, startNodes, xrxArguments } from './lib/nodes.js';
import { median, milliseconds, type Row, report, times } from './lib/report.js';
import { roundsFor } from './lib/rounds.js';
import { startSshTargets } from './lib/ssh-targets.js';

const ROUNDS = roundsFor(7);
const COUNTS = [1, 8, 64] as const;
const MOST = 64;

const rows: Row[] = [];
rows.push(await startOfCommand());
const cluster = await startNodes(MOST);
try {
  if (isInstalled('ssh') && isInstalled('pdsh') && isInstalled('/usr/sbin/sshd')) {
    await againstSsh();
  } else {
    console.log('start: no comparison with ssh: install openssh-client, openssh-server and pdsh');
  }
} finally {
  await cluster.stop();
}
report('start', rows);

async function startOfCommand(): Promise<Row> {
  const [xrx = [], node = []] = await timeInTurn(
    [
      { program: command('xrx'), args: ['--version'] },
      { program: process.execPath, args: ['-e', '0'] },
    ],
    3 * ROUNDS,
  );
  const ratio = median(xrx) / median(node);
  return {
    what: 'xrx --version, against node -e 0',
    measured: milliseconds(median(xrx)),
    baseline: milliseconds(median(node)),
    ratio: times(ratio),
    wanted: 'at most 1.5×',
    met: ratio <= 1.5,
  };
}

async function againstSsh(): Promise<void> {
  const targets = await startSshTargets(MOST);
  const { sshArguments, env } = targets;
  const pdsh = (count: number): Command => ({
    program: 'pdsh',
    // -f: all at once. -S: a failure on a target is one of pdsh.
    args: ['-S', '-R', 'ssh', '-f', `${MOST}`, '-w', `127.0.3.[1-${count}]`, 'true'],
    env,
  });
  try {
    const ssh = { program: 'ssh', args: [...sshArguments, targets.addresses[0] ?? '', 'true'] };
    rows.push(await compare(1, 'ssh', ssh, 1));
    for (const count of COUNTS) {
      rows.push(await compare(count, 'pdsh', pdsh(count), count === MOST ? 10 : undefined));
    }
  } finally {
    await targets.stop();
  }
}

/** `wanted`: by which factor xrx is to be faster. */
async function compare(
  count: number,
  name: string,
  other: Command,
  wanted: number | undefined,
): Promise<Row> {
  const xrx: Command = {
    program: command('xrx'),
    args: xrxArguments(cluster, count, ['true']),
    cwd: cluster.folder,
    env: cluster.env,
  };
  const [ours = [], theirs = []] = await timeInTurn([xrx, other], ROUNDS);
  const ratio = median(theirs) / median(ours);
  return {
    what: `xrx true on ${count}, against ${name}`,
    measured: milliseconds(median(ours)),
    baseline: milliseconds(median(theirs)),
    ratio: times(ratio),
    ...(wanted === undefined ? {} : { wanted: `at least ${wanted}×`, met: ratio >= wanted }),
  };
}
