import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { systemText } from '../errors.js';
import { TOOL_PATH } from '../program/tools.js';
import { shippedCommand } from '../shipped.js';
import {
  FUSE_HELPER,
  formatLine,
  type HelperNews,
  type MountOrder,
  parseLine,
} from './helper-protocol.js';
import { type Connect, MountError, type Mounted, StreamMounted } from './mounter.js';
import { namespaceRefusal } from './user-namespace.js';

/** How mounts are made in a user namespace in which the daemon's user is root, and has power over nothing else. */
const NEW_NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount', '--'];
const SAME_NAMESPACE = ['--preserve-credentials', '--', 'unshare', '--mount', '--'];

export interface HelperOptions {
  /** Whose mounts it serves. */
  readonly uid: number;
  /** Where it listens: a path that is not taken, in a directory that only the daemon may enter. */
  readonly socket: string;
  /** The helper's program, where it is not part of the one that runs. */
  readonly program?: string | undefined;
  /** The user namespace that it is in: the daemon's, a new one, or that of the process with this number. */
  readonly namespace: 'own' | 'new' | number;
  /** What it says on stderr. */
  readonly log: (text: string) => void;
}

/** Told of what becomes of an order. */
interface Waiting {
  readonly mounted: () => void;
  readonly failed: (error: MountError) => void;
  /** What was mounted is no more. */
  readonly ended: () => void;
}

/** A process that serves FUSE mounts, as the daemon sees it. It ends when its input does, so also with the daemon. */
export class HelperProcess {
  /** Whose mounts it serves. */
  readonly uid: number;
  /** How it ended. */
  readonly ended: Promise<string>;
  /** Mounts that are there, or that somebody is about to order. */
  mounts = 0;
  readonly #child: Child;
  readonly #socket: string;
  /** Those that were not carried out yet, or whose mounts are there. */
  readonly #orders = new Map<number, Waiting>();
  #nextId = 1;

  private constructor(child: Child, { socket, uid }: HelperOptions) {
    this.uid = uid;
    this.#child = child;
    this.#socket = socket;
    this.ended = endOf(child);
    void this.ended.then((how) => this.#ended(how));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws MountError that says what keeps it from starting */
  static async start(options: HelperOptions): Promise<HelperProcess> {
    const { namespace, log } = options;
    const child = startChild(options);
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      log(line);
    });
    const helper = new HelperProcess(child, options);
    return new Promise((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        const news = parseLine<HelperNews>(line);
        if (news.event === 'listening') resolve(helper);
        else helper.#news(news);
      });
      void helper.ended.then((how) => {
        const why = namespace === 'new' ? namespaceRefusal() : undefined;
        const text = why ?? `cannot start what serves FUSE mounts: ${said.at(-1) ?? how}`;
        reject(new MountError(text));
      });
    });
  }

  /**
   * Mounts; resolves when the mount can be used. Whoever orders it has counted it in `mounts`; it is taken off again when
   * it is no more.
   * @throws MountError
   */
  async mount(request: Omit<MountOrder, 'id'>, connect: Connect): Promise<Mounted> {
    const { pid, directory, readOnly, unchanging, msize, dialect, source } = request;
    const { program, user, mapped } = request;
    const id = this.#nextId++;
    let ended!: () => void;
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const mounted = new Promise<void>((resolve, reject) => {
      this.#orders.set(id, { mounted: resolve, failed: reject, ended });
    });
    // It may be told of before anyone waits for it.
    mounted.catch(() => {});
    const order: MountOrder = {
      ...{ id, pid, directory, readOnly, unchanging, msize, dialect, source },
      ...{ program, user, mapped },
    };
    const stream = await this.#order(formatLine(order), id);
    try {
      connect(stream, { neverStall: false });
      await mounted;
      return new ServedMount(stream, () => {
        if (this.#orders.has(id)) this.#child.stdin.write(formatLine({ abort: id }));
        return over;
      });
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Ends it, and with it all mounts that it serves. */
  async end(): Promise<void> {
    this.#child.stdin.destroy();
    await this.ended;
  }

  async #order(line: string, id: number): Promise<Socket> {
    try {
      return await ordered(this.#socket, line);
    } catch (error) {
      this.mounts--;
      this.#orders.delete(id);
      throw new MountError(`cannot reach what serves FUSE mounts: ${systemText(error)}`);
    }
  }

  #news(news: Exclude<HelperNews, { event: 'listening' }>): void {
    const waiting = this.#orders.get(news.id);
    if (news.event === 'mounted') return waiting?.mounted();
    this.mounts--;
    this.#orders.delete(news.id);
    if (news.event === 'failed') waiting?.failed(new MountError(news.reason));
    else waiting?.ended();
  }

  #ended(how: string): void {
    rmSync(this.#socket, { force: true });
    for (const { failed, ended } of this.#orders.values()) {
      failed(new MountError(`what serves FUSE mounts ended (${how})`));
      ended();
    }
    this.#orders.clear();
  }
}

/** A mount that a helper serves, also when its conversation is over, for as long as anybody keeps it. */
class ServedMount extends StreamMounted {
  readonly #abort: () => Promise<void>;

  constructor(stream: Socket, abort: () => Promise<void>) {
    super(stream);
    this.#abort = abort;
  }

  override abort(): Promise<void> {
    this.close();
    return this.#abort();
  }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function startChild(options: HelperOptions): Child {
  const { socket, program, namespace } = options;
  const words = program === undefined ? shippedCommand(FUSE_HELPER) : [process.execPath, program];
  rmSync(socket, { force: true });
  const command = [...entering(namespace), ...words, socket];
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: '/',
    env: { PATH: TOOL_PATH },
    // Keys that stop the daemon at a terminal must not stop it before its sessions are over.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  return child;
}

function entering(namespace: HelperOptions['namespace']): string[] {
  if (namespace === 'own') return [];
  if (namespace === 'new') return NEW_NAMESPACE;
  return ['nsenter', `--user=/proc/${namespace}/ns/user`, ...SAME_NAMESPACE];
}

function endOf(child: Child): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(systemText(error)));
    // Not its exit: what it said comes before.
    child.once('close', (status, signal) => resolve(signal ?? `exit status ${status}`));
  });
}

/** A connection on which the order is on its way. @throws Node's system error */
function ordered(path: string, order: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ path });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    // Whoever gets the stream may destroy it at once: the helper must know of the order by then, to answer it.
    socket.write(order, (error) => {
      if (error) return fail(error);
      socket.removeListener('error', fail);
      resolve(socket);
    });
  });
}
