import { connectTcp, OpenMode } from '@xcpu/9p-protocol';
import { attach, auth, Client, type ClientOptions, type Fid } from '@xcpu/9p-protocol/client';
import {
  CHALLENGE_BYTES,
  type EnvironmentEntry,
  formatArgv,
  formatEnvironment,
  type PrivateKey,
  parseWaitStatus,
  passkeyProof,
  signChallenge,
  type WaitStatus,
} from '@xcpu/xcpu-protocol';

/** Where a node listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Who logs in, and with which proof. */
export interface LoginOptions extends ClientOptions {
  readonly uname: string;
  readonly nUname?: number;
  /** Signs the challenge. */
  readonly key?: PrivateKey;
  /** Proves with a passkey in place of a key. */
  readonly passkey?: string;
  /** Writes these bytes in place of a proof. */
  readonly proof?: Uint8Array;
}

/** Opens a conversation without logging in. */
export async function connect(node: Endpoint, options: ClientOptions = {}): Promise<Client> {
  return Client.connect(await connectTcp({ host: node.host, port: node.port }), options);
}

/**
 * Logs in as wire section 2 says: Tauth, challenge, proof, Tattach.
 * @throws NinePError what the node refused with; the connection is then closed
 */
export async function login(node: Endpoint, options: LoginOptions): Promise<NodeLogin> {
  const client = await connect(node, options);
  try {
    return new NodeLogin(client, await attachAs(client, options));
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** Logs in on a conversation that exists, and answers the root. */
export async function attachAs(client: Client, options: LoginOptions): Promise<Fid> {
  const { uname, nUname } = options;
  const who = nUname === undefined ? { uname } : { uname, nUname };
  const afid = await auth(client, who);
  const challenge = await afid.read(0, CHALLENGE_BYTES);
  await afid.write(0, proofFor(challenge, options));
  return attach(client, { ...who, afid });
}

function proofFor(challenge: Uint8Array, { key, passkey, proof }: LoginOptions): Uint8Array {
  if (proof) return proof;
  if (passkey !== undefined) return passkeyProof(challenge, passkey);
  if (key) return signChallenge(challenge, key);
  throw new TypeError('a login needs a key, a passkey or a proof');
}

/** An authenticated conversation with one node. */
export class NodeLogin {
  readonly client: Client;
  readonly root: Fid;

  constructor(client: Client, root: Fid) {
    this.client = client;
    this.root = root;
  }

  /** A file or directory below the root, opened. */
  async open(path: string, mode: number = OpenMode.READ): Promise<Fid> {
    const fid = await this.root.walk(path);
    try {
      return await fid.open(mode);
    } catch (error) {
      await fid.clunk();
      throw error;
    }
  }

  /** The whole of a file. */
  async bytes(path: string): Promise<Buffer> {
    const fid = await this.open(path);
    try {
      return await fid.readAll();
    } finally {
      await fid.clunk();
    }
  }

  async text(path: string): Promise<string> {
    return (await this.bytes(path)).toString();
  }

  /** Opens, writes all and closes. */
  async write(path: string, data: string | Uint8Array, mode: number = OpenMode.WRITE) {
    const fid = await this.open(path, mode);
    try {
      await fid.writeAll(typeof data === 'string' ? Buffer.from(data) : data);
    } finally {
      await fid.clunk();
    }
  }

  /** One command, or several lines, for the node's `ctl`. */
  nodeCtl(command: string): Promise<void> {
    return this.write('ctl', `${command}\n`);
  }

  /** Opens `clone`: a new session that lives until the result is closed. */
  async newSession(): Promise<TestSession> {
    const clone = await this.open('clone');
    const sid = (await clone.readAll()).toString();
    return new TestSession(this, sid, clone);
  }

  /** Runs a program to its end in a session of its own. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const session = await this.newSession();
    try {
      return await session.run(argv, options);
    } finally {
      await session.close();
    }
  }

  /** Ends the conversation in order. */
  close(): void {
    this.client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

export interface RunOptions {
  readonly env?: Iterable<EnvironmentEntry>;
  /** The namespace program; default: none. */
  readonly ns?: string;
  /** `id` of the session. */
  readonly id?: string;
  readonly input?: string;
}

export interface RunResult {
  readonly status: WaitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

/** A session, held by an open file of it. */
export class TestSession {
  readonly sid: string;
  readonly node: NodeLogin;
  readonly #held: Fid;

  constructor(node: NodeLogin, sid: string, held: Fid) {
    this.node = node;
    this.sid = sid;
    this.#held = held;
  }

  path(file: string): string {
    return `${this.sid}/${file}`;
  }

  open(file: string, mode?: number): Promise<Fid> {
    return this.node.open(this.path(file), mode);
  }

  text(file: string): Promise<string> {
    return this.node.text(this.path(file));
  }

  write(file: string, data: string | Uint8Array, mode?: number): Promise<void> {
    return this.node.write(this.path(file), data, mode);
  }

  /** One command, or several lines, for the session's `ctl`. */
  ctl(command: string): Promise<void> {
    return this.write('ctl', `${command}\n`);
  }

  /** Writes env, argv and ns and starts the program. */
  async start(argv: readonly string[], options: RunOptions = {}): Promise<void> {
    const truncate = OpenMode.WRITE | OpenMode.TRUNCATE;
    if (options.env) {
      await this.write('env', formatEnvironment(options.env), OpenMode.WRITE | OpenMode.APPEND);
    }
    await this.write('argv', formatArgv(argv), truncate);
    if (options.ns !== undefined) await this.write('ns', options.ns, truncate);
    const id = options.id === undefined ? '' : `id ${options.id}\n`;
    await this.ctl(`${id}exec ${formatArgv(argv.slice(0, 1))}`);
  }

  /** Starts a program, gives it its input, and collects what it prints and how it ends. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    await this.start(argv, options);
    const streams = Promise.all([this.text('stdout'), this.text('stderr'), this.text('wait')]);
    if (options.input) await this.write('stdin', options.input);
    await this.ctl('close stdin');
    const [stdout, stderr, wait] = await streams;
    return { status: parseWaitStatus(wait), stdout, stderr };
  }

  /** Lets go of the session. */
  close(): Promise<void> {
    return this.#held.clunk();
  }
}
