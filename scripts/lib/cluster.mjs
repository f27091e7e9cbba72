import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { writeKeyPair } from './keys.mjs';

/**
 * A cluster of daemons on this machine, one address of the loopback network each.
 *
 * @typedef {object} Cluster
 * @property {string} folder temporary: keys (admin_key, user_key), node map (nodes), the nodes' own folders and logs
 * @property {string} nodeSet the names of all nodes, such as n[8-11]
 * @property {ClusterNode[]} nodes
 * @property {number} port the same for all nodes
 * @property {User} user who is to run programs there; the nodes do not know him yet
 * @property {string[]} login options with which xrx logs in as that user, with the folder as working directory
 * @property {NodeJS.ProcessEnv} env in which the commands are found by name and find the nodes and the admin key
 * @property {() => Promise<void>} stop ends the daemons and removes the folder; may be called twice
 */

/**
 * @typedef {object} ClusterNode
 * @property {string} name
 * @property {string} address
 * @property {number} pid the daemon's process
 * @property {string[]} command with which the daemon was started, in the folder
 */

/** @typedef {{ name: string, uid: number, group: string, gid: number }} User */

/** @typedef {{ process: import('node:child_process').ChildProcess, node: ClusterNode, log: string, ended: Promise<void> }} Daemon */

/**
 * @typedef {object} ClusterOptions
 * @property {string} bin the directory that holds the commands
 * @property {number} count how many nodes, 1 to 200
 * @property {string} [network] the first three numbers of the addresses
 * @property {number} [first] number of the first node, in its name and its address
 * @property {number} [port] where to listen; when it is taken on one of the addresses, another is chosen
 */

export const DEFAULT_PORT = 6668;

/** Loading a few hundred daemons on a small machine takes a while. */
const START_TIMEOUT = 60_000;

/** Longer than a daemon waits for its programs before it kills them. */
const STOP_TIMEOUT = 15_000;

/**
 * Starts the daemons and waits until all of them answer. When one does not, those that run are ended.
 *
 * @param {ClusterOptions} options
 * @returns {Promise<Cluster>}
 * @throws {Error} saying why, with the daemon's own words
 */
export async function startCluster({
  bin,
  count,
  network = '127.0.1',
  first = 8,
  port = DEFAULT_PORT,
}) {
  const folder = await mkdtemp(join(tmpdir(), 'xcpu-'));
  /** @type {Daemon[]} */
  const daemons = [];
  const abandon = () => {
    for (const { process: daemon } of daemons) {
      daemon.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  // Reached with daemons alive only when this process exits without having called `stop`.
  process.once('exit', abandon);
  const stop = async () => {
    await Promise.all(daemons.map(end));
    await rm(folder, { recursive: true, force: true });
    process.off('exit', abandon);
  };
  try {
    // The nodes' users reach their sessions through it; the private keys have modes of their own.
    await chmod(folder, 0o755);
    const user = await chooseUser();
    await writeKeyPair(join(folder, 'admin_key'), 'xcpu-admin');
    await writeKeyPair(join(folder, 'user_key'), user.name);
    const places = Array.from({ length: count }, (_, index) => ({
      name: `n${first + index}`,
      address: `${network}.${first + index}`,
    }));
    const chosen = await freePort(
      places.map(({ address }) => address),
      port,
    );
    for (const place of places) {
      await mkdir(join(folder, place.name));
      daemons.push(startDaemon(bin, folder, place, chosen));
    }
    await Promise.all(daemons.map((daemon) => answering(daemon, chosen, folder)));
    await writeFile(
      join(folder, 'nodes'),
      places.map(({ name, address }) => `${name}=${address}!${chosen}\n`).join(''),
    );
    return {
      folder,
      nodeSet: count === 1 ? `n${first}` : `n[${first}-${first + count - 1}]`,
      nodes: daemons.map(({ node }) => node),
      port: chosen,
      user,
      login: [...(user.name === ownName() ? [] : ['--user', user.name]), '-k', 'user_key'],
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        XCPU_NODES_FILE: join(folder, 'nodes'),
        XCPU_ADMIN_KEY: join(folder, 'admin_key'),
        NODES: undefined,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The commands by which the administrator tells all nodes about the user, to be run in the folder.
 *
 * @param {Cluster} cluster
 * @returns {string[][]}
 */
export function introduction({ nodeSet, user }) {
  return [
    ['xgroupset', nodeSet, user.group, String(user.gid)],
    ['xuserset', nodeSet, user.name, String(user.uid), user.group, 'user_key.pub'],
  ];
}

/** Root runs programs as an ordinary user, who need not exist here; anyone else as himself. */
async function chooseUser() {
  if (isRoot()) {
    return { name: 'demo', uid: 5000, group: 'demo', gid: 5000 };
  }
  const gid = process.getgid();
  const group = await promisify(execFile)('id', ['-gn']).then(
    ({ stdout }) => stdout.trim(),
    () => `g${gid}`,
  );
  const uid = process.getuid();
  return { name: ownName() ?? `u${uid}`, uid, group, gid };
}

/** Undefined for an uid without an entry in the passwd file, as in some containers. */
function ownName() {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

function isRoot() {
  return process.getuid() === 0;
}

/** A port that is free on all addresses: the wanted one, or else one that the system gives us on the first. */
async function freePort(addresses, wanted) {
  for (let candidate = wanted, attempt = 0; attempt < 20; candidate = 0, attempt++) {
    const [firstAddress, ...others] = addresses;
    const port = await tryListen(firstAddress, candidate);
    if (port === undefined) {
      continue;
    }
    const results = await Promise.all(others.map((address) => tryListen(address, port)));
    if (results.every((result) => result !== undefined)) {
      return port;
    }
  }
  throw new Error(`no port is free on all of ${addresses[0]} to ${addresses.at(-1)}`);
}

/** The port listened on for a moment; undefined when it is taken. */
function tryListen(address, port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve() : reject(error)));
    server.listen(port, address, () => {
      const { port: given } = server.address();
      server.close(() => resolve(given));
    });
  });
}

/** @returns {Daemon} */
function startDaemon(bin, folder, { name, address }, port) {
  const args = ['-p', String(port), '--listen', address, '-a', 'admin_key.pub', '-t', name];
  if (!isRoot()) {
    args.push('-s');
  }
  const log = join(folder, `${name}.log`);
  const output = openSync(log, 'w');
  const daemon = spawn(join(bin, 'xcpufs'), args, {
    cwd: folder,
    // A group of its own: Ctrl-C is for the commands in the foreground, and for us to end the daemons in order.
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise((resolve) => {
    daemon.once('exit', () => resolve());
    daemon.once('error', () => resolve());
  });
  const node = { name, address, pid: daemon.pid, command: ['xcpufs', ...args] };
  return { process: daemon, node, log, ended };
}

async function answering({ process: daemon, node, log }, port, folder) {
  const deadline = Date.now() + START_TIMEOUT;
  while (!(await canConnect(node.address, port))) {
    if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) {
      const words = (await readFile(log, 'utf8')).trim() || 'it said nothing';
      throw new Error(`${node.command.join(' ')} (in ${folder}) ended: ${words}`);
    }
    if (Date.now() > deadline) {
      throw new Error(`the daemon of ${node.name} does not answer on ${node.address}!${port}`);
    }
    await sleep(20);
  }
}

function canConnect(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** @param {Daemon} daemon */
async function end({ process: daemon, ended }) {
  daemon.kill('SIGTERM');
  const timer = setTimeout(() => daemon.kill('SIGKILL'), STOP_TIMEOUT);
  await ended;
  clearTimeout(timer);
}
