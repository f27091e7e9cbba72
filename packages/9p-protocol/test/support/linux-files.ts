import {
  type Dialect,
  ModeBit,
  type RMessage,
  type Stat,
  type TMessage,
  transportPair,
} from '../../src/index.js';
import {
  type FileServer,
  nextQidPath,
  type OpenFile,
  Server,
  type ServerFile,
  type ServerOptions,
} from '../../src/server/index.js';
import { attach, RawPeer, version } from './raw-peer.js';

type Operations = Partial<Omit<ServerFile<string>, 'qid' | 'parent'>>;

/** A file that does what a test says, and nothing else. */
export class TestFile implements ServerFile<string> {
  readonly qid;
  readonly name: string;
  readonly mode: number;
  parent?: ServerFile<string>;
  readonly children = new Map<string, TestFile>();
  /** How often it is acquired and not released. */
  held = 0;
  extension = '';

  constructor(name: string, mode: number, operations: Operations = {}) {
    this.name = name;
    this.mode = mode;
    this.qid = { type: mode >>> 24, version: 0, path: nextQidPath() };
    if (mode & ModeBit.DIR) this.walk = (child) => this.children.get(child);
    Object.assign(this, operations);
  }

  walk?: NonNullable<ServerFile<string>['walk']>;

  add<F extends TestFile>(child: F): F {
    child.parent = this;
    this.children.set(child.name, child);
    return child;
  }

  acquire(): void {
    this.held++;
  }

  release(): void {
    this.held--;
  }

  stat(): Stat {
    const { qid, mode, name, extension } = this;
    const owner = { uid: 'owner', gid: 'group', muid: 'owner', nUid: 7 };
    return {
      type: 0,
      dev: 0,
      qid,
      mode,
      atime: 5,
      mtime: 6,
      length: 1000,
      name,
      ...owner,
      extension,
    };
  }
}

export function directory(name = '/', operations: Operations = {}): TestFile {
  return new TestFile(name, (ModeBit.DIR | 0o755) >>> 0, operations);
}

export function regular(name: string, operations: Operations = {}): TestFile {
  return new TestFile(name, 0o644, operations);
}

export function symlink(name: string, operations: Operations = {}): TestFile {
  return new TestFile(name, ModeBit.SYMLINK | 0o777, operations);
}

/** A file that opens as told. */
export function opens(name: string, open: OpenFile<string>): TestFile {
  return regular(name, { open: () => open });
}

/** A client of a server of `root` that speaks a dialect, 9P2000.L unless said otherwise, attached as fid 0. */
export async function served(
  root: TestFile,
  options: ServerOptions<string> & { dialect?: Dialect; msize?: number } = {},
  rest: Partial<FileServer<string>> = {},
) {
  const faults: unknown[] = [];
  const { dialect = '9P2000.L', msize = 65_536, ...serverOptions } = options;
  const [ours, theirs] = transportPair();
  const files: FileServer<string> = { attach: ({ uname }) => ({ root, user: uname }), ...rest };
  const server = new Server<string>(files, {
    fault: (_, error) => faults.push(error.cause),
    ...serverOptions,
  });
  server.accept(theirs);
  const peer = new RawPeer(ours);
  peer.dialect = dialect;
  await peer.call(version(msize, dialect));
  await peer.call(attach(0));
  const call = async <T extends RMessage>(message: Untagged, tag = 1): Promise<T> =>
    (await peer.call({ ...message, tag } as TMessage)) as T;
  /** The number of the error that a request is answered with; 0 if it succeeds. */
  const errno = async (message: Untagged): Promise<number> => {
    const reply = await peer.call({ ...message, tag: 1 } as TMessage);
    return 'ecode' in reply ? reply.ecode : 'errno' in reply ? reply.errno : 0;
  };
  return { peer, call, errno, faults };
}

/** A request without its tag. */
export type Untagged = TMessage extends infer M
  ? M extends TMessage
    ? Omit<M, 'tag'>
    : never
  : never;
