import { ALICE, BOB, Cluster, type ClusterOptions, type TestUser } from './cluster.js';
import {
  type CommandOptions,
  type CommandResult,
  type RunningCommand,
  runCommand,
  startCommand,
} from './command.js';
import { isRoot } from './needs.js';

/** A cluster as its users see it: nodes n1, n2, … from a node map, and commands with a user's key. */
export class Site {
  readonly cluster: Cluster;
  /** `n[1-4]`. */
  readonly nodes: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #keys: ReadonlyMap<TestUser, string>;

  private constructor(
    cluster: Cluster,
    env: Readonly<Record<string, string>>,
    keys: ReadonlyMap<TestUser, string>,
  ) {
    this.cluster = cluster;
    this.nodes = `n[1-${cluster.nodes.length}]`;
    this.#env = env;
    this.#keys = keys;
  }

  /** Starts nodes that know Alice and Bob, unless told otherwise. */
  static async start(count: number, options: ClusterOptions = {}): Promise<Site> {
    const cluster = await Cluster.start(count, { users: [ALICE, BOB], ...options });
    const keys = new Map<TestUser, string>();
    for (const user of [ALICE, BOB]) {
      keys.set(user, (await cluster.writeUserKey(user)).privateFile);
    }
    const env = {
      XCPU_NODES_FILE: await cluster.writeNodeMap(),
      XCPU_ADMIN_KEY: cluster.adminFiles.privateFile,
    };
    return new Site(cluster, env, keys);
  }

  /** Runs xrx as Alice, her key and name given. */
  xrx(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.run('xrx', [...this.#login(ALICE), ...args], { ...this.#as(ALICE), ...options });
  }

  /** Starts xrx as Alice and leaves its input open. */
  startXrx(args: readonly string[], options: CommandOptions = {}): RunningCommand {
    const all = [...this.#login(ALICE), ...args];
    return startCommand('xrx', all, this.#with({ ...this.#as(ALICE), ...options }));
  }

  /** Runs any command with the node map, and the administrator's key in the environment. */
  run(name: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(name, args, this.#with(options));
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }

  #login(user: TestUser): string[] {
    return ['--user', user.name, '-k', this.#keys.get(user)!];
  }

  /** Real users run the commands where the tests may become them. */
  #as(user: TestUser): CommandOptions {
    return isRoot ? { uid: user.uid, gid: user.gid } : {};
  }

  #with(options: CommandOptions): CommandOptions {
    return { ...options, env: { ...this.#env, ...options.env } };
  }
}
