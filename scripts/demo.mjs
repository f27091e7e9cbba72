// usage: npm run demo
//
// Four nodes on this machine: starts them, introduces a user, runs programs, and cleans up. Needs no rights.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_PORT, introduction } from './lib/cluster.mjs';
import { heading, run, runInBackground, runLine, shellLine, showCommand } from './lib/show.mjs';
import { styleText } from './lib/style.mjs';
import { withCluster } from './lib/with-cluster.mjs';

/** A program of the user's. */
const GREET = `#!/bin/sh
cat "$1"
echo "$XCPUID was here" >answer-\${XCPUID#/}
`;

console.log(`${styleText('bold', 'xcpu')}: run programs on many nodes at once`);

await withCluster('demo', { count: 4 }, async (cluster, signal) => {
  const { folder, nodeSet, nodes, login, port, user } = cluster;
  const options = { cwd: folder, env: cluster.env, signal };

  heading('A temporary folder with two key pairs, and names for the nodes');
  showCommand(`cd ${folder}`);
  showCommand('export XCPU_NODES_FILE=$PWD/nodes XCPU_ADMIN_KEY=$PWD/admin_key');

  heading(
    `Four nodes, one daemon each${port === DEFAULT_PORT ? '' : ` (port ${DEFAULT_PORT} is taken)`}`,
  );
  for (const { command } of nodes) {
    showCommand(`${shellLine(command)} &`);
  }

  heading(`The administrator tells them about the user ${user.name}`);
  for (const command of introduction(cluster)) {
    await run(command, options);
  }

  heading('A program runs on all of them at once; with -l it is their own');
  await run(['xrx', '-l', ...login, nodeSet, 'date'], options);

  heading('Each gets the input; -p says who answers');
  await runLine(
    `echo hello nodes | ${shellLine(['xrx', '-lp', ...login, nodeSet, 'tr', 'a-z', 'A-Z'])}`,
    options,
  );

  await ownFiles(cluster, options);

  heading('A job goes on in the background; xps lists processes, with -x those of jobs');
  const job = runInBackground(
    ['xrx', '-l', '-j', 'nap', ...login, nodeSet, 'sleep', '60'],
    options,
  );
  await started('nap', cluster, signal);
  await run(['xps', '-x', nodeSet], options);
  await job.end();
});

if (!process.exitCode) {
  console.log(`
${styleText('green', 'That was xcpu.')} The daemons are stopped and the folder is gone.
To try it yourself: ${styleText('bold', 'npm run cluster -- 4')}; then, a real cluster: README.md`);
}

/** A program and its data that are in this folder only, where this machine lets its nodes mount them. */
async function ownFiles({ login, nodeSet, folder, env }, options) {
  const reason = await refusal(['xrx', ...login, nodeSet, 'true'], { cwd: folder, env });
  if (reason) {
    heading('Your own files would be there without -l, but this machine forbids it');
    console.log(reason);
    return;
  }
  heading('Without -l it is your program, and your files, in the directory that you are in');
  await writeFile(join(folder, 'greetings'), 'salve\n');
  await writeFile(join(folder, 'greet'), GREET, { mode: 0o755 });
  await run(['cat', 'greet'], options);
  await run(['xrx', '-p', ...login, nodeSet, './greet', 'greetings'], options);
  await runLine('cat answer-*', options);
}

/** Why a command fails, undefined if it does not. */
async function refusal([command, ...args], options) {
  try {
    await promisify(execFile)(command, args, options);
    return undefined;
  } catch (error) {
    return error.stderr.split('\n')[0];
  }
}

/** Waits until the job's program runs on all nodes: a person would have taken longer to type the next line. */
async function started(job, { nodeSet, nodes, env }, signal) {
  let reason = '';
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      const { stdout } = await promisify(execFile)('xps', ['-J', job, nodeSet], { env, signal });
      if (stdout.trim().split('\n').length > nodes.length) return;
    } catch (error) {
      signal.throwIfAborted();
      // As long as no node has the job, xps says so and fails.
      reason = `: ${error.stderr ?? error.message}`;
    }
  }
  throw new Error(`job ${job} does not start${reason}`);
}
