// usage: npm run cluster -- [NODES]
//
// Leaves a cluster of daemons running on this machine until Ctrl-C, and prints what to paste into another terminal.
import { once } from 'node:events';
import { introduction } from './lib/cluster.mjs';
import { BIN } from './lib/paths.mjs';
import { heading, run, shellLine, showCommand } from './lib/show.mjs';
import { styleText } from './lib/style.mjs';
import { withCluster } from './lib/with-cluster.mjs';

const MAX_NODES = 200;

const [operand = '4', ...rest] = process.argv.slice(2);
const count = /^\d+$/.test(operand) ? Number(operand) : 0;
if (count < 1 || count > MAX_NODES || rest.length > 0) {
  console.error(`usage: npm run cluster -- [NODES]    1 to ${MAX_NODES}, 4 when not given`);
  process.exit(2);
}

await withCluster('cluster', { count }, async (cluster, signal) => {
  const { folder, nodeSet, nodes, login, port, user } = cluster;
  const [{ address: from }] = nodes;
  const { address: to } = nodes.at(-1);

  heading(`${nodeSet}: ${from}${count > 1 ? ` to ${to}` : ''}, port ${port}; user ${user.name}`);
  for (const command of introduction(cluster)) {
    await run(command, { cwd: folder, env: cluster.env, signal });
  }

  heading('Paste this into another terminal');
  console.log(`cd ${folder}
export PATH=${BIN}:$PATH
export XCPU_NODES_FILE=$PWD/nodes XCPU_ADMIN_KEY=$PWD/admin_key`);

  heading('and then, for example');
  showCommand(shellLine(['xrx', '-p', ...login, nodeSet, 'ls']));
  showCommand(shellLine(['xrx', '-lp', ...login, nodeSet, 'id']));
  showCommand(shellLine(['xps', nodeSet]));

  console.log(`\n${styleText('green', 'The cluster runs.')} Ctrl-C ends it.`);
  await running(signal);
  console.log('\nStopping the cluster.');
});

/** Until the user wants to end; the daemons alone would not keep this process alive. */
async function running(signal) {
  const timer = setInterval(() => {}, 60_000);
  await (signal.aborted || once(signal, 'abort'));
  clearInterval(timer);
}
