import { type ChildProcessWithoutNullStreams, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { formatNodeCommand } from '@xcpu/xcpu-protocol';
import { login, type NodeLogin } from './client.js';
import { bundle, cleanEnvironment, endWithTests } from './command.js';
import { type KeyFiles, type TestKey, testKey, writeKey } from './keys.js';

/** A user whom a cluster's nodes are told of. */
export interface TestUser {
  readonly name: string;
  readonly uid: number;
  readonly group: string;
  readonly gid: number;
  /** Groups beside the default one: name and number. */
  readonly groups: Readonly<Record<string, number>>;
  readonly key: TestKey;
}

/** Two ordinary users with supplementary groups; they need no entry in the host's passwd. */
export const ALICE: TestUser = ordinaryUser('alice', 41001, 41100, { crew: 41200, alpha: 41201 });
export const BOB: TestUser = ordinaryUser('bob', 41002, 41101, { beta: 41202 });

export interface ClusterOptions {
  /** Users to tell every node of; default none. */
  readonly users?: readonly TestUser[];
  /** More options for every daemon, after `-p`, `--listen`, `-a` and `-t`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the daemon, such as `setpriv …`: the daemon's own command line is appended. */
  readonly wrap?: readonly string[];
  /** All daemons on one port, each on its own address: `127.0.1.[8-11]!40001`. Default: each on its own. */
  readonly samePort?: boolean;
  /** A number under which each daemon inherits an open file, as a careless parent leaves one. */
  readonly strayDescriptor?: number;
}

/** A number of real daemons on 127.0.1.8 and up, with an admin key, in a temporary folder. */
export class Cluster {
  readonly directory: string;
  readonly nodes: readonly Daemon[];
  readonly adminKey: TestKey;
  readonly adminFiles: KeyFiles;

  private constructor(
    directory: string,
    nodes: readonly Daemon[],
    adminKey: TestKey,
    adminFiles: KeyFiles,
  ) {
    this.directory = directory;
    this.nodes = nodes;
    this.adminKey = adminKey;
    this.adminFiles = adminFiles;
  }

  /**
   * Starts `count` daemons at once.
   * @throws Error with what a daemon logged, if one does not come up
   */
  static async start(count: number, options: ClusterOptions = {}): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'xcpu-test-'));
    await chmod(directory, 0o755);
    const adminKey = testKey('admin_key');
    const adminFiles = await writeKey(adminKey, join(directory, 'keys'));
    const port = options.samePort ? await freePort(hostOf(0)) : undefined;
    const starts = await Promise.allSettled(
      Array.from({ length: count }, (_, index) =>
        startNode({ directory, adminFiles, index, port }, options),
      ),
    );
    const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const cluster = new Cluster(directory, nodes, adminKey, adminFiles);
    try {
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
      for (const user of options.users ?? []) await cluster.addUser(user);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The first node: most tests need no other. */
  get node(): Daemon {
    return this.nodes[0]!;
  }

  /** All nodes as a node set: `127.0.1.8!40001,127.0.1.9!40002`. */
  get nodeSet(): string {
    return this.nodes.map((node) => node.name).join(',');
  }

  /** A conversation with a node as its administrator. */
  admin(node: Daemon = this.node): Promise<NodeLogin> {
    return login(node, { uname: 'xcpu-admin', key: this.adminKey });
  }

  /** A conversation with a node as a user. */
  user(user: TestUser, node: Daemon = this.node): Promise<NodeLogin> {
    return login(node, { uname: user.name, key: user.key, nUname: user.uid });
  }

  /** Tells all nodes of a user and his groups; groups that exist already stay. */
  async addUser(user: TestUser): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        await using admin = await this.admin(node);
        const known = (await admin.text('grent')).split('\n').map((line) => line.split(':')[0]);
        const groups = { [user.group]: user.gid, ...user.groups };
        for (const [group, gid] of Object.entries(groups)) {
          if (known.includes(group)) continue;
          await admin.nodeCtl(formatNodeCommand({ command: 'group-add', group, gid }));
        }
        const { name, uid, group, key } = user;
        const add = { command: 'user-add', user: name, uid, group, key: key.publicKey } as const;
        await admin.nodeCtl(formatNodeCommand(add));
        for (const extra of Object.keys(user.groups)) {
          const command = { command: 'user-add-group', user: name, group: extra } as const;
          await admin.nodeCtl(formatNodeCommand(command));
        }
      }),
    );
  }

  /** Writes a user's key pair for commands to use; the private half belongs to him. */
  writeUserKey(user: TestUser): Promise<KeyFiles> {
    const owner = process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : undefined;
    return writeKey(user.key, join(this.directory, 'keys'), owner);
  }

  /** A node map file that calls the nodes `prefix1`, `prefix2`, …; for `$XCPU_NODES_FILE`. */
  async writeNodeMap(prefix = 'n'): Promise<string> {
    const file = join(this.directory, 'nodes');
    const lines = this.nodes.map((node, index) => `${prefix}${index + 1}=${node.name}\n`);
    await writeFile(file, lines.join(''));
    return file;
  }

  /** Stops the daemons and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await rm(this.directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** One running xcpufs. */
export class Daemon {
  readonly host: string;
  readonly port: number;
  /** The folder given with `-t`. */
  readonly temporary: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** What it logged until now. */
  log = '';
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;

  constructor(
    host: string,
    port: number,
    temporary: string,
    child: ChildProcessWithoutNullStreams,
  ) {
    this.host = host;
    this.port = port;
    this.temporary = temporary;
    this.child = child;
    endWithTests(child);
    child.stdin.end();
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (status, signal) => resolve({ status, signal }));
    });
    this.ended.catch(() => {});
  }

  /** As commands take it: `127.0.1.8!40001`. */
  get name(): string {
    return `${this.host}!${this.port}`;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Whether the process is there: a test of something that used to crash it asks. */
  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /**
   * Waits for the line that tells it listens.
   * @throws Error with the log, if it ends or 20 s pass before
   */
  async listening(): Promise<void> {
    const deadline = AbortSignal.timeout(20_000);
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`xcpufs on ${this.name} did not start:\n${this.log}`));
      const look = () => {
        if (/\blistening\b/.test(this.log)) resolve();
      };
      deadline.addEventListener('abort', fail);
      this.child.stderr.on('data', look);
      this.ended.then(fail, reject);
      look();
    });
  }

  /** SIGTERM, and SIGKILL if that does not end it in 15 s. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    await this.ended;
    clearTimeout(kill);
  }

  /** SIGKILL: what a crash looks like to others. */
  async crash(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** A TCP port of that address on which nobody listens. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const bound = probe.address();
      probe.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0));
    });
  });
}

export interface DaemonOptions {
  readonly host: string;
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** For `-t`. */
  readonly temporary: string;
  /** The other options. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly wrap?: readonly string[] | undefined;
  readonly strayDescriptor?: number | undefined;
}

/** Starts one daemon; the caller stops it. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { host, temporary, args, env, wrap = [], strayDescriptor } = options;
  const port = options.port ?? (await freePort(host));
  const xcpufs = [bundle('xcpufs'), '-p', String(port), '--listen', host, '-t', temporary];
  const [file, ...argv] = [...wrap, ...xcpufs, ...args] as [string, ...string[]];
  const stdio: StdioOptions = ['pipe', 'pipe', 'pipe'];
  const stray = strayDescriptor === undefined ? undefined : openSync('/dev/null', 'r');
  if (strayDescriptor !== undefined) {
    while (stdio.length < strayDescriptor) stdio.push('ignore');
    stdio.push(stray);
  }
  const child = spawn(file, argv, { env: { ...daemonEnvironment(), ...env }, stdio });
  if (stray !== undefined) closeSync(stray);
  const daemon = new Daemon(host, port, temporary, child as ChildProcessWithoutNullStreams);
  try {
    await daemon.listening();
    return daemon;
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

interface NodePlace {
  readonly directory: string;
  readonly adminFiles: KeyFiles;
  readonly index: number;
  readonly port: number | undefined;
}

async function startNode(place: NodePlace, options: ClusterOptions): Promise<Daemon> {
  const { directory, adminFiles, index, port } = place;
  const { args = [], env, wrap, strayDescriptor } = options;
  const temporary = join(directory, `node${index + 1}`);
  await mkdir(temporary);
  const sameUser = process.getuid?.() === 0 ? [] : ['-s'];
  const all = ['-a', adminFiles.publicFile, ...sameUser, ...args];
  return startDaemon({
    host: hostOf(index),
    port,
    temporary,
    args: all,
    env,
    wrap,
    strayDescriptor,
  });
}

/** The daemon's file is a script that runs the first node on the PATH: this one. */
function daemonEnvironment(): Record<string, string> {
  const environment = cleanEnvironment();
  return { ...environment, PATH: `${dirname(process.execPath)}${delimiter}${environment.PATH}` };
}

function hostOf(index: number): string {
  return `127.0.1.${8 + (index % 240)}`;
}

function ordinaryUser(
  name: string,
  uid: number,
  gid: number,
  groups: Readonly<Record<string, number>>,
): TestUser {
  return {
    name,
    uid,
    group: `${name}s`,
    gid,
    groups,
    get key() {
      return testKey(`${name}_key`);
    },
  };
}
