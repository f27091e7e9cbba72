/**
 * How long 1 GiB of one program's output takes from a node to /dev/null, through xrx and through ssh.
 *
 * The program is the same: cat of a sparse file, which costs no disk. ssh encrypts, which xrx does not do yet; so there
 * are two figures for it: with the cipher that it takes by itself, and with its fastest.
 */
import { spawnSync } from 'node:child_process';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, isInstalled, timeInTurn } from './lib/commands.js';
import { command, startNodes, xrxArguments } from './lib/nodes.js';
import { median, perSecond, type Row, report, times } from './lib/report.js';
import { roundsFor } from './lib/rounds.js';
import { startSshTargets } from './lib/ssh-targets.js';

const ROUNDS = roundsFor(5);
const BYTES = 2 ** 30;
const WANTED = 1.5;

const rows: Row[] = [];
const cluster = await startNodes(1);
try {
  const file = join(cluster.folder, 'zeros');
  await writeFile(file, '');
  await truncate(file, BYTES);
  const xrx: Command = {
    program: command('xrx'),
    args: xrxArguments(cluster, 1, ['cat', file]),
    cwd: cluster.folder,
    env: cluster.env,
  };
  checkBytes(xrx);
  if (isInstalled('ssh') && isInstalled('/usr/sbin/sshd')) {
    const targets = await startSshTargets(1);
    const ssh = (...cipher: string[]): Command => ({
      program: 'ssh',
      args: [...targets.sshArguments, ...cipher, targets.addresses[0] ?? '', 'cat', file],
    });
    try {
      await compare(xrx, ssh(), ssh('-c', 'aes128-gcm@openssh.com'));
    } finally {
      await targets.stop();
    }
  } else {
    console.log('stdout: no comparison with ssh: install openssh-client and openssh-server');
  }
} finally {
  await cluster.stop();
}
report('stdout', rows);

async function compare(xrx: Command, ssh: Command, fastest: Command): Promise<void> {
  const [ours = [], theirs = [], best = []] = await timeInTurn([xrx, ssh, fastest], ROUNDS, 1);
  const ratio = median(theirs) / median(ours);
  const rate = (durations: readonly number[]) => perSecond(BYTES, median(durations));
  rows.push({
    what: '1 GiB through xrx, against ssh',
    measured: rate(ours),
    baseline: rate(theirs),
    ratio: times(ratio),
    wanted: `at least ${WANTED}×`,
    met: ratio >= WANTED,
  });
  rows.push({
    what: '… against ssh -c aes128-gcm',
    measured: rate(ours),
    baseline: rate(best),
    ratio: times(median(best) / median(ours)),
  });
}

/** A fast command that loses bytes would win. */
function checkBytes({ program, args, cwd, env }: Command): void {
  const counted = spawnSync('sh', ['-c', '"$0" "$@" | wc -c', program, ...args], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
  });
  if (Number(counted.stdout) !== BYTES) {
    throw new Error(`xrx brought ${counted.stdout.trim()} of ${BYTES} bytes: ${counted.stderr}`);
  }
}
