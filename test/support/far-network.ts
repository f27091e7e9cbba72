import {
  type ChildProcessWithoutNullStreams,
  execFileSync,
  spawn,
  spawnSync,
} from 'node:child_process';
import { once } from 'node:events';
import { endWithTests } from './command.js';
import { isRoot, lacks } from './needs.js';

/** Whether networks cannot be made here, which is then said. */
export function lacksNetworks(): boolean {
  const script = 'ip link add name near type veth peer name far';
  const made = spawnSync('unshare', ['--net', 'sh', '-c', script], { stdio: 'ignore' });
  return lacks('root, ip(8) and network namespaces', isRoot && made.status === 0);
}

/** Another machine's network, for all that processes in it can tell: one wire leads there, which can be taken out. */
export class FarNetwork {
  /** This side of the wire; both are of a block that is for documentation (RFC 5737). */
  readonly near = '198.51.100.1';
  readonly far = '198.51.100.2';
  readonly #device = `xcpu${process.pid}`;
  /** The network lasts as long as it. */
  readonly #holder: ChildProcessWithoutNullStreams;

  private constructor(holder: ChildProcessWithoutNullStreams) {
    this.#holder = holder;
  }

  /** The caller removes it. */
  static async make(): Promise<FarNetwork> {
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep infinity']);
    endWithTests(holder);
    await once(holder.stdout, 'data');
    const network = new FarNetwork(holder);
    try {
      network.#connect();
      return network;
    } catch (error) {
      network.remove();
      throw error;
    }
  }

  /** A command to be put before another, as in `nsenter … COMMAND`, that then runs there, as that user. */
  wrap(user?: { readonly uid: number; readonly gid: number }): string[] {
    const become = user && [
      'setpriv',
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
    ];
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, ...(become ?? [])];
  }

  /** From now on nothing arrives at either side, and neither is told: each sends to a card that is not there. */
  cut(): void {
    const nowhere = ['lladdr', '02:00:00:00:00:01', 'nud', 'permanent', 'dev'];
    run('ip', 'neighbour', 'replace', this.far, ...nowhere, this.#device);
    this.#there('ip', 'neighbour', 'replace', this.near, ...nowhere, 'far');
  }

  remove(): void {
    spawnSync('ip', ['link', 'delete', this.#device], { stdio: 'ignore' });
    this.#holder.kill('SIGKILL');
  }

  #connect(): void {
    const wire = ['type', 'veth', 'peer', 'name', 'far', 'netns', String(this.#holder.pid)];
    run('ip', 'link', 'add', 'name', this.#device, ...wire);
    run('ip', 'address', 'add', `${this.near}/30`, 'dev', this.#device);
    run('ip', 'link', 'set', this.#device, 'up');
    this.#there('ip', 'address', 'add', `${this.far}/30`, 'dev', 'far');
    this.#there('ip', 'link', 'set', 'far', 'up');
  }

  #there(...command: string[]): void {
    run(...this.wrap(), ...command);
  }
}

function run(...command: string[]): void {
  const [program, ...args] = command as [string, ...string[]];
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
