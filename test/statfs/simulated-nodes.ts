import { randomBytes } from 'node:crypto';
import { type Listener, listenTcp, NinePError } from '@xcpu/9p-protocol';
import {
  type AuthFile,
  type FileServer,
  type OpenFile,
  Server,
  SyntheticDirectory,
  SyntheticFile,
} from '@xcpu/9p-protocol/server';
import { type PublicKey, verifySignature } from '@xcpu/xcpu-protocol';

/** What a node says of itself; may change while it is served. */
export interface SimulatedState {
  arch: string;
  state: string;
  load: string;
  /** Numbers of its sessions. */
  sessions: string[];
  /** Reads of `state` are never answered. */
  hangs: boolean;
}

/** A node in this process: the files that statfs reads, for the administrator only. */
export class SimulatedNode {
  readonly host: string;
  readonly port: number;
  readonly says: SimulatedState = {
    ...{ arch: '/Linux/x86_64', state: '', load: 'load1 0.5\ncpus 4\n', sessions: [] },
    hangs: false,
  };
  /** Connections that there ever were. */
  accepted = 0;
  readonly #adminKey: PublicKey;
  #running: { readonly listener: Listener; readonly server: Server<string> } | undefined;

  constructor(host: string, port: number, adminKey: PublicKey) {
    this.host = host;
    this.port = port;
    this.#adminKey = adminKey;
  }

  /** Begins to listen, for the first time or again. */
  async start(): Promise<void> {
    const server = new Server(this.#files());
    const { host, port } = this;
    const listener = await listenTcp({ host, port }, (transport) => {
      this.accepted++;
      server.accept(transport);
    });
    this.#running = { listener, server };
  }

  /** It is gone, as after a crash. */
  async die(): Promise<void> {
    const { listener, server } = this.#running ?? {};
    this.#running = undefined;
    for (const { transport } of server?.connections ?? []) transport.destroy();
    await listener?.close();
  }

  #files(): FileServer<string> {
    const root = new Root(this.says);
    return {
      auth: () => new Challenge(this.#adminKey),
      attach: ({ uname }, auth) => {
        const proved = auth instanceof Challenge && auth.proved && uname === 'xcpu-admin';
        if (!proved) throw new NinePError('authentication failed');
        return { root, user: uname };
      },
    };
  }
}

class Challenge implements AuthFile {
  readonly qid = { type: 0x08, version: 0, path: 1 };
  proved = false;
  readonly #bytes = randomBytes(16);
  readonly #key: PublicKey;

  constructor(key: PublicKey) {
    this.#key = key;
  }

  read(offset: number, count: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + count);
  }

  write(_offset: number, data: Uint8Array): number {
    this.proved = verifySignature(this.#bytes, data, this.#key);
    return data.length;
  }
}

class Root extends SyntheticDirectory<string> {
  readonly #says: SimulatedState;

  constructor(says: SimulatedState) {
    super({ name: '/', mode: 0o555, uid: 'xcpu-admin', gid: 'xcpu-admin' });
    this.#says = says;
    this.add(new Text('arch', () => says.arch));
    this.add(new Text('load', () => says.load));
    this.add(new Text('state', () => (says.hangs ? new Promise(() => {}) : says.state)));
  }

  override *list(): Iterable<SyntheticFile<string>> {
    yield* super.list({} as never) as Iterable<SyntheticFile<string>>;
    const owner = { uid: 'alice', gid: 'alices' };
    for (const name of this.#says.sessions) {
      yield new SyntheticDirectory<string>({ name, mode: 0o555, ...owner });
    }
  }
}

class Text extends SyntheticFile<string> {
  readonly #text: () => string | Promise<string>;

  constructor(name: string, text: () => string | Promise<string>) {
    super({ name, mode: 0o444, uid: 'xcpu-admin', gid: 'xcpu-admin' });
    this.#text = text;
  }

  override open(): OpenFile<string> {
    return {
      read: async (offset, count) =>
        Buffer.from(await this.#text()).subarray(offset, offset + count),
    };
  }
}
