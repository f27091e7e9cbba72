import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Loopback addresses with an sshd each, and how to reach them. */
export interface SshTargets {
  /** 127.0.3.1 and up. */
  readonly addresses: readonly string[];
  /** Arguments that go before the host in a command line of ssh. */
  readonly sshArguments: readonly string[];
  /** ssh's configuration file that they name. */
  readonly configFile: string;
  /** For pdsh: the same arguments, and the ssh module. */
  readonly env: NodeJS.ProcessEnv;
  /** The number of the process whose mount namespace an address' commands run in. */
  pid(address: string): number;
  stop(): Promise<void>;
}

export interface SshTargetOptions {
  /**
   * Commands of each address see mounts and processes of their own, which are gone when the address is, however this
   * process may end: nothing that they have mounted is left on the machine. Only for root.
   */
  readonly ownNamespaces?: boolean;
}

const START_TIMEOUT = 10_000;

/**
 * Starts an sshd per address, with keys of our own, and waits until all answer. They are set up as sites have them,
 * and where that differs from site to site, to be quick:
 *
 * - The user's key is of the kind and size that xrx logs in with: RSA, 2048 bits. The host's is Ed25519, the fastest.
 * - PAM as distributions ship it. No DNS or GSSAPI, no message of the day, no agent, no known hosts to search.
 * - An empty home: no start-up file of this machine's user is charged to ssh.
 * - MaxStartups lets all connections in at once; the default of 10:30:100 is meant for strangers.
 * - Files are served by sshd's own process, which starts sooner than a program of its own.
 *
 * @param count how many addresses, 1 to 250
 */
export async function startSshTargets(
  count: number,
  options: SshTargetOptions = {},
): Promise<SshTargets> {
  const folder = await mkdtemp(join(tmpdir(), 'xcpu-bench-ssh-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  const addresses = Array.from({ length: count }, (_, index) => `127.0.3.${index + 1}`);
  const port = 2222;
  mkdirSync(join(folder, 'home'));
  const path = (name: string) => join(folder, name);
  await Promise.all([
    makeKey(path('host_key'), 'ed25519'),
    makeKey(path('user_key'), 'rsa', '-b', '2048'),
  ]);
  await writeFile(path('authorized_keys'), await readFile(path('user_key.pub')));
  await writeFile(path('sshd_config'), serverConfig(folder));
  await writeFile(path('ssh_config'), clientConfig(folder, port));
  if (process.getuid?.() === 0) {
    // sshd's unprivileged half lives there; packages leave it to the init system to make it.
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  }
  const daemons = addresses.map((address) =>
    startSshd(path('sshd_config'), address, port, options),
  );
  const kill = () => {
    // What runs for unshare(1) ends with it; it takes no notice of gentler signals.
    for (const { process: sshd } of daemons) sshd.kill('SIGKILL');
  };
  const killAtExit = () => {
    kill();
    removeFolder();
  };
  process.once('exit', killAtExit);
  const stop = async () => {
    kill();
    await Promise.all(daemons.map(({ ended }) => ended));
    process.off('exit', killAtExit);
    removeFolder();
  };
  try {
    await Promise.all(daemons.map((daemon) => answering(daemon, port)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses,
    sshArguments: ['-F', path('ssh_config')],
    configFile: path('ssh_config'),
    env: {
      ...process.env,
      PDSH_RCMD_TYPE: 'ssh',
      PDSH_SSH_ARGS_APPEND: `-F ${path('ssh_config')}`,
    },
    pid: (wanted) => daemons.find(({ address }) => address === wanted)?.process.pid ?? 0,
    stop,
  };
}

async function makeKey(path: string, type: string, ...size: readonly string[]): Promise<void> {
  await promisify(execFile)('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-f', path]);
}

function serverConfig(folder: string): string {
  return `HostKey ${folder}/host_key
PidFile none
AuthorizedKeysFile ${folder}/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
PrintLastLog no
X11Forwarding no
MaxStartups 1000
MaxSessions 1000
Subsystem sftp internal-sftp
SetEnv HOME=${folder}/home
LogLevel ERROR
`;
}

function clientConfig(folder: string, port: number): string {
  return `Port ${port}
User ${userInfo().username}
IdentityFile ${folder}/user_key
IdentitiesOnly yes
IdentityAgent none
PreferredAuthentications publickey
GSSAPIAuthentication no
BatchMode yes
AddressFamily inet
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
GlobalKnownHostsFile /dev/null
LogLevel ERROR
`;
}

interface Sshd {
  readonly address: string;
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  /** The end of what it wrote to stderr. */
  said(): string;
}

function startSshd(
  config: string,
  address: string,
  port: number,
  { ownNamespaces = false }: SshTargetOptions,
): Sshd {
  const apart = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--'];
  const sshd = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', '--', ...(ownNamespaces ? apart : [])],
      ...['/usr/sbin/sshd', '-D', '-e', '-f', config, '-o', `ListenAddress=${address}:${port}`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  sshd.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-2000);
  });
  return { address, process: sshd, ended: once(sshd, 'exit'), said: () => said.trim() };
}

async function answering({ process: sshd, address, said }: Sshd, port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT;
  while (!(await answers(address, port))) {
    if (sshd.exitCode !== null || performance.now() > deadline) {
      throw new Error(`sshd on ${address} did not start: ${said()}`);
    }
    await sleep(20);
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
