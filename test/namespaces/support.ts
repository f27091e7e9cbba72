import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lacksProgram } from '../fuse/support.js';
import {
  ALICE,
  BOB,
  Cluster,
  type ClusterOptions,
  type Daemon,
  startDaemon,
  type TestUser,
} from '../support/cluster.js';
import {
  type CommandOptions,
  type CommandResult,
  cleanEnvironment,
  startCommand,
} from '../support/command.js';
import { canUnshare } from '../support/namespace.js';
import { isRoot, lacks } from '../support/needs.js';
import { type NodeRootOptions, NodeRoots } from '../support/node-root.js';

/** Whether nodes with roots of their own cannot be made here, or one of these programs is not here, which is then said. */
export function lacksNodeRoots(...programs: readonly string[]): boolean {
  const there = isRoot && canUnshare && hasFuse();
  return lacks('root, mount namespaces and /dev/fuse', there) || programs.some(lacksProgram);
}

function hasFuse(): boolean {
  return readdirSync('/dev').includes('fuse');
}

export interface FileSiteOptions extends Omit<ClusterOptions, 'wrap'> {
  /** What the nodes' own roots are like. */
  readonly root?: NodeRootOptions;
  /** What uname(2) says there, see setarch(8). */
  readonly machine?: string;
}

/** The two kinds of daemons that there are: what is shown of one is shown of the other. */
export const DAEMONS = [
  { whose: 'root', options: {} },
  { whose: 'an ordinary user', options: { root: { user: ALICE }, args: ['-s'] } },
] as const satisfies readonly { whose: string; options: FileSiteOptions }[];

/** How a user runs xrx. */
export interface XrxOptions extends CommandOptions {
  /** Alice by default. */
  readonly user?: TestUser;
  /** Where nodes are, by name, if not n1, n2, …. */
  readonly nodeMap?: string;
}

/** Users with a home each, and nodes n1, n2, … that have nothing of theirs. */
export class FileSite {
  readonly cluster: Cluster;
  readonly #roots: NodeRoots;
  readonly #options: FileSiteOptions;
  readonly #homes: ReadonlyMap<TestUser, string>;
  readonly #nodeMap: string;

  private constructor(
    cluster: Cluster,
    roots: NodeRoots,
    options: FileSiteOptions,
    homes: ReadonlyMap<TestUser, string>,
    nodeMap: string,
  ) {
    this.cluster = cluster;
    this.#roots = roots;
    this.#options = options;
    this.#homes = homes;
    this.#nodeMap = nodeMap;
  }

  static async start(count: number, options: FileSiteOptions = {}): Promise<FileSite> {
    const { root, machine, ...rest } = options;
    const roots = await NodeRoots.make();
    const wrap = [...(machine === undefined ? [] : ['setarch', machine]), ...roots.wrap(root)];
    const homes = new Map<TestUser, string>();
    try {
      for (const user of [ALICE, BOB]) {
        const home = await mkdtemp(join(tmpdir(), `xcpu-${user.name}-`));
        homes.set(user, home);
        await chown(home, user.uid, user.gid);
      }
      const cluster = await Cluster.start(count, { users: [ALICE, BOB], ...rest, wrap });
      for (const user of [ALICE, BOB]) await cluster.writeUserKey(user);
      return new FileSite(cluster, roots, options, homes, await cluster.writeNodeMap());
    } catch (error) {
      await removeAll(roots, homes);
      throw error;
    }
  }

  /** Alice's. */
  get home(): string {
    return this.homeOf(ALICE);
  }

  homeOf(user: TestUser): string {
    return this.#homes.get(user)!;
  }

  /** Runs xrx in the user's home. */
  xrx(args: readonly string[], options: XrxOptions = {}): Promise<CommandResult> {
    const command = this.start(args, options);
    command.child.stdin.end(options.input ?? '');
    return command.result;
  }

  /** Starts xrx in the user's home, and leaves its input open. */
  start(args: readonly string[], { user = ALICE, nodeMap, ...options }: XrxOptions = {}) {
    const key = join(this.cluster.directory, 'keys', user.key.name);
    const { uid, gid } = user;
    return startCommand('xrx', ['--user', user.name, '-k', key, ...args], {
      cwd: this.homeOf(user),
      uid,
      gid,
      ...options,
      env: { ...this.#env(user), XCPU_NODES_FILE: nodeMap ?? this.#nodeMap, ...options.env },
    });
  }

  /** Runs a shell script on n1, with Alice's files; answers what it printed. It must succeed without a complaint. */
  async shell(script: string, options: XrxOptions & { args?: readonly string[] } = {}) {
    const { args = [], ...rest } = options;
    const result = await this.xrx([...args, 'n1', 'sh', '-ec', script], rest);
    if (result.status === 0 && result.stderr === '') return result.stdout;
    throw new Error(`${script}\n${JSON.stringify(result)}`);
  }

  /** Runs a shell script at home, as the user. */
  local(script: string, user: TestUser = ALICE): string {
    const { uid, gid } = user;
    const env = { ...cleanEnvironment(), ...this.#env(user) };
    const options = { cwd: this.homeOf(user), uid, gid, env, encoding: 'utf8' } as const;
    return execFileSync('sh', ['-ec', script], options);
  }

  /** Writes a file of the user's, below his home. */
  async write(name: string, data: string | Uint8Array, user: TestUser = ALICE): Promise<string> {
    const path = join(this.homeOf(user), name);
    if (dirname(name) !== '.') this.local(`mkdir -p '${dirname(name)}'`, user);
    await writeFile(path, data);
    await chown(path, user.uid, user.gid);
    return path;
  }

  read(name: string, user: TestUser = ALICE): Promise<string> {
    return readFile(join(this.homeOf(user), name), 'utf8');
  }

  /** Compiles a C program of these tests, in Alice's home. */
  compile(name: string, options = ''): void {
    this.local(`gcc -O1 -o ${name} ${sourceOf(name)} ${options}`);
  }

  /** Starts a daemon again that was killed, where it was; the caller stops it. It knows no users. */
  restart({ host, port, temporary }: Daemon): Promise<Daemon> {
    const { root, args = [] } = this.#options;
    const all = ['-a', this.cluster.adminFiles.publicFile, ...args];
    return startDaemon({ host, port, temporary, args: all, wrap: this.#roots.wrap(root) });
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await removeAll(this.#roots, this.#homes);
  }

  #env(user: TestUser): Record<string, string> {
    return { HOME: this.homeOf(user), PATH: '/usr/bin:/bin' };
  }
}

async function removeAll(roots: NodeRoots, homes: ReadonlyMap<TestUser, string>): Promise<void> {
  await roots.remove();
  for (const home of homes.values()) await rm(home, { recursive: true, force: true });
}

/** Where the source of a C program of these tests is. */
export function sourceOf(name: string): string {
  return fileURLToPath(new URL(`programs/${name}.c`, import.meta.url));
}
