import {
  type AnyMessage,
  type Attributes,
  type Dialect,
  decode,
  dontTouch,
  encode,
  encodeDirent,
  encodeStat,
  FrameReader,
  MessageType,
  NinePError,
} from '@xcpu/9p-protocol';
import { type FileSystem, linux, mount } from '@xcpu/9p-protocol/client';
import { DIALECTS } from './codec.js';
import { Supply } from './supply.js';
import { nameIn, qidIn, statIn, typeIn, u32In, u64In } from './values.js';
import { becomes, turn, Wire } from './wire.js';

const T = MessageType;
const MSIZE = 4096;
/** Answers that a server gives before it goes. */
const MAX_ANSWERS = 120;
/** Turns of the loop without a request after which it goes too. */
const MAX_IDLE = 20;

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

/**
 * The client against a server that answers whatever the input says: whatever is asked for ends, once the server is
 * gone at the latest, and fails with nothing but a NinePError.
 */
export async function fuzz(data: Buffer): Promise<void> {
  const supply = new Supply(data);
  const dialect = supply.pick(DIALECTS);
  const server = new Hostile(supply, dialect);
  const ended = (async () => {
    const files = await mount(server.wire, {
      uname: 'me',
      version: dialect,
      msize: MSIZE,
      heartbeat: 0,
    });
    try {
      await Promise.all(server.tasks.map((task) => task(files).catch(check)));
    } finally {
      files.client.destroy();
    }
  })().catch(check);
  let over = false;
  ended.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  while (!over && !server.done) {
    server.idle++;
    await turn();
  }
  server.leave();
  if (!(await becomes(() => over))) throw new Error('something is waited for that never comes');
  await ended;
  await turn();
  if (unhandled.length > 0) throw unhandled.splice(0)[0];
}

function check(error: unknown): void {
  if (!(error instanceof NinePError)) throw error;
  if (error.ename === 'internal error') throw error.cause;
}

type Task = (files: FileSystem) => Promise<unknown>;

const LIMIT = 5000;
const tasks: readonly Task[] = [
  (files) => files.stat('/a/b'),
  (files) => files.stat('d/link/../a', { follow: false }),
  (files) => files.readdir('d', { limit: 200 }),
  (files) => files.readdir('d', { limit: 200, stat: true }),
  (files) => files.readFile('a', { limit: LIMIT }),
  (files) => files.writeFile('new', 'x'.repeat(LIMIT)),
  (files) => files.writeFile('a', 'x', { flag: 'a' }),
  (files) => files.exists('link'),
  (files) => files.mkdir('d/e/f', { recursive: true }),
  (files) => files.rename('a', 'd/b'),
  (files) => files.symlink('to', 'link'),
  (files) => files.readlink('link'),
  (files) => files.link('a', 'b'),
  (files) => files.chmod('a', 0o600),
  (files) => files.truncate('a', 3),
  (files) => files.statfs(),
  (files) => files.rm('b'),
  async (files) => {
    let seen = 0;
    for await (const _ of files.entries('d')) if (++seen > 100) break;
  },
  async (files) => {
    const file = await files.open('a', 'r+');
    try {
      await Promise.all([file.read(0, 9000), file.write(5, Buffer.alloc(9000)), file.stat()]);
    } finally {
      await file.close();
    }
  },
  async (files) => {
    const controller = new AbortController();
    const read = files.readFile('a', { limit: LIMIT, signal: controller.signal });
    setImmediate(() => controller.abort(new NinePError('no longer wanted')));
    await read;
  },
  (files) => linux.getXattr(files.root, 'user.a'),
  (files) => linux.listXattrs(files.root),
  (files) => linux.setXattr(files.root, 'user.a', Buffer.alloc(100)),
];

/** Answers requests as an input says. */
class Hostile {
  readonly wire: Wire;
  readonly tasks: readonly Task[];
  readonly #supply: Supply;
  readonly #asked: Dialect;
  readonly #frames = new FrameReader(MSIZE);
  #dialect: Dialect = '9P2000';
  /** Turns since it was asked last. */
  idle = 0;
  #answers = 0;

  constructor(supply: Supply, dialect: Dialect) {
    this.#supply = supply;
    this.#asked = dialect;
    this.tasks = Array.from({ length: 1 + supply.below(3) }, () => supply.pick(tasks));
    this.wire = new Wire((bytes) => this.#frames.push(bytes, (frame) => this.#take(frame)));
  }

  /** It has nothing left to say, or is asked nothing any more. */
  get done(): boolean {
    return this.#supply.empty || this.#answers > MAX_ANSWERS || this.idle > MAX_IDLE;
  }

  leave(): void {
    if (!this.wire.closed) this.wire.leave();
  }

  #take(frame: Buffer): void {
    const message = decode(Buffer.from(frame), this.#dialect, { strings: 'bytes' });
    this.idle = 0;
    if (this.#answers++ > MAX_ANSWERS) return;
    const bytes = this.#answer(message);
    if (bytes) this.wire.deliver(bytes);
  }

  #answer(request: AnyMessage): Buffer | undefined {
    const supply = this.#supply;
    const tag = supply.once(64) ? supply.below(9) : request.tag;
    if (supply.once(64)) return supply.bytes(supply.byte());
    if (supply.once(64)) return undefined;
    if (request.type === T.Tversion) return this.#version(request.msize);
    const type = supply.once(24) ? typeIn(supply) : request.type + 1;
    const refused = supply.once(10) ? refusal(supply, this.#dialect) : undefined;
    const reply = refused ?? fields(supply, request, this.#dialect, type);
    try {
      return Buffer.from(encode({ ...reply, tag } as AnyMessage, this.#dialect));
    } catch {
      return undefined;
    }
  }

  #version(asked: number): Buffer {
    const supply = this.#supply;
    const version = supply.once(8) ? supply.pick([...DIALECTS, 'unknown']) : this.#asked;
    const msize = supply.once(8) ? supply.pick([256, asked + 1, 300, 0]) : asked;
    if (DIALECTS.includes(version as Dialect)) this.#dialect = version as Dialect;
    return encode({ type: T.Rversion, tag: 0xffff, msize, version }, '9P2000');
  }
}

type Fields = Record<string, unknown> & { readonly type: number };

function refusal(supply: Supply, dialect: Dialect): Fields {
  const errno = supply.pick([2, 17, 95, 0, 5, 40]);
  if (dialect === '9P2000.L') return { type: T.Rlerror, ecode: errno };
  const ename = supply.pick(['file not found', 'file exists', '', 'x'.repeat(300)]);
  return { type: T.Rerror, ename, errno };
}

/** An answer of that type, whose every field is the server's to choose. */
function fields(supply: Supply, request: AnyMessage, dialect: Dialect, type: number): Fields {
  const names = request.type === T.Twalk ? request.names.length : 1;
  const count = 'count' in request ? request.count : 0;
  switch (type) {
    case T.Rwalk: {
      const length = supply.once(8) ? supply.below(17) : names;
      return { type, qids: Array.from({ length }, () => qidIn(supply)) };
    }
    case T.Rread:
      return { type, data: dataIn(supply, dialect, count) };
    case T.Rreaddir:
      return { type, data: direntsIn(supply) };
    case T.Rwrite:
      return { type, count: supply.once(4) ? u32In(supply) : dataLength(request) };
    case T.Rstat:
      return { type, stat: statIn(supply, { ...dontTouch, mode: 0o644, length: 10, name: 'a' }) };
    case T.Rgetattr:
      return { type, valid: u64In(supply), qid: qidIn(supply), attributes: attributesIn(supply) };
    case T.Rstatfs:
      return { type, statistics: attributesIn(supply) };
    case T.Rreadlink:
      return { type, target: supply.pick(['a', '..', '/', 'a/'.repeat(90), '', nameIn(supply)]) };
    case T.Rgetlock: {
      const range = { start: u64In(supply), length: u64In(supply) };
      return { type, lockType: supply.byte(), ...range, procId: 1, clientId: '' };
    }
    default:
      return {
        ...{ type, qid: qidIn(supply), aqid: qidIn(supply), iounit: u32In(supply) },
        ...{ size: u64In(supply), status: supply.byte(), ename: '', errno: 0, ecode: 2 },
      };
  }
}

function dataLength(request: AnyMessage): number {
  return request.type === T.Twrite ? request.data.length : 0;
}

function dataIn(supply: Supply, dialect: Dialect, count: number): Buffer {
  switch (supply.below(5)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.alloc(Math.min(count, MSIZE - 11));
    case 2: {
      const stat = { ...dontTouch, name: nameIn(supply), mode: supply.pick([0, 0x80000000]) };
      const entries = Array.from({ length: 1 + supply.below(3) }, () =>
        encodeStat(statIn(supply, stat), dialect),
      );
      return Buffer.concat(entries).subarray(0, MSIZE - 11);
    }
    case 3:
      return Buffer.alloc(Math.min(count + 1, MSIZE - 11));
    default:
      return supply.bytes(supply.byte());
  }
}

function direntsIn(supply: Supply): Buffer {
  const entries = Array.from({ length: supply.below(4) }, () =>
    encodeDirent({
      qid: qidIn(supply),
      offset: u64In(supply),
      type: supply.byte(),
      name: nameIn(supply),
    }),
  );
  return Buffer.concat(entries).subarray(0, MSIZE - 11 - supply.below(5));
}

function attributesIn(supply: Supply): Record<string, unknown> {
  const names: readonly (keyof Attributes)[] = [
    ...(['mode', 'uid', 'gid', 'nlink', 'rdev', 'size', 'blksize', 'blocks', 'atimeSec'] as const),
    ...(['atimeNsec', 'mtimeSec', 'mtimeNsec', 'ctimeSec', 'ctimeNsec', 'btimeSec'] as const),
    ...(['btimeNsec', 'gen', 'dataVersion'] as const),
  ];
  const told = names.map((name) => [name, supply.once(3) ? u64In(supply) : 0o100644] as const);
  const space = ['bsize', 'bfree', 'bavail', 'files', 'ffree', 'fsid'].map(
    (name) => [name, u64In(supply)] as const,
  );
  return {
    ...Object.fromEntries(told),
    ...Object.fromEntries(space),
    type: 1,
    namelen: u32In(supply),
    mode: u32In(supply),
    uid: 0,
    gid: 0,
  };
}
