import { readdirSync } from 'node:fs';
import {
  type AnyMessage,
  type Dialect,
  encode,
  formatMessage,
  MessageType,
  NOFID,
  NONUNAME,
  NOTAG,
  type TMessage,
} from '@xcpu/9p-protocol';
import { type DirectoryServer, serveDirectory } from '@xcpu/9p-protocol/fs';
import { memoryServer } from '@xcpu/9p-protocol/memory';
import { type FileServer, type Intercept, Server } from '@xcpu/9p-protocol/server';
import { DIALECTS } from './codec.js';
import { Ledger } from './ledger.js';
import { requestIn } from './requests.js';
import { Scratch } from './scratch.js';
import { Supply } from './supply.js';
import { FIDS, nameIn, typeIn } from './values.js';
import { becomes, turn, Wire } from './wire.js';

/** Steps of one conversation. */
const MAX_STEPS = 60;
/** Turns of the loop that a request waits at the most. */
const MAX_DELAY = 20;
/** Low, so that conversations reach them. */
const LIMITS = {
  ...{ msize: 4096, fids: 5, requests: 8, writeBytes: 6000, readBytes: 6000 },
  ...{ xattrBytes: 70_000, listedEntries: 12, unsentBytes: 64 * 1024 },
};
const DIRECTORY_LIMITS = {
  descriptors: 4,
  openFiles: 4,
  nodes: 16,
  depth: 5,
  listingBytes: 20_000,
};

const scratch = new Scratch();
process.on('exit', () => scratch.remove());
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

/**
 * The server's loop, with the file server in memory and that of a directory: it answers every request or closes the
 * connection, never by an internal error, never with what lies outside the directory, and leaves no descriptor, node
 * or lock behind.
 */
export async function fuzz(data: Buffer): Promise<void> {
  const supply = new Supply(data);
  const onDisk = supply.once(2)
    ? serveDirectory(scratch.fresh(), { limits: DIRECTORY_LIMITS })
    : undefined;
  const before = openDescriptors();
  const files = onDisk ?? (await inMemory());
  await converse(files as FileServer<unknown>, supply);
  await turn();
  if (onDisk) await checkReleased(onDisk, before);
  if (unhandled.length > 0) throw unhandled.splice(0)[0];
}

async function converse(files: FileServer<unknown>, supply: Supply): Promise<void> {
  const faults: unknown[] = [];
  const ledger = new Ledger();
  const problems: unknown[] = [];
  const wire = new Wire((bytes) => {
    try {
      if (scratch.revealed(bytes)) throw new Error('what lies outside the root was read');
      ledger.received(bytes);
    } catch (error) {
      problems.push(error);
    }
  });
  const server = new Server(files, {
    limits: LIMITS,
    ...(supply.once(2) && { intercept: delaying(supply) }),
    ...(process.env.FUZZ_TRACE && { trace: tell }),
    fault: (_, error) => faults.push(error.cause),
  });
  server.accept(wire);
  const dialect = supply.pick(DIALECTS);
  const say = (bytes: Buffer) => {
    if (wire.closed) return;
    ledger.sent(bytes);
    wire.deliver(bytes);
  };
  for (const message of opening(dialect)) say(encode(message, dialect));
  if (supply.once(4)) for (const chunk of chunks(supply)) say(chunk);
  for (let step = 0; step < MAX_STEPS && !supply.empty && !wire.closed; step++) {
    await act(supply, dialect, step, wire, say);
  }
  wire.taking = true;
  wire.take();
  const settled = () => wire.closed || ledger.open === 0;
  const answered = await becomes(() => settled() || problems.length > 0);
  if (!wire.closed) wire.leave();
  await becomes(() => server.connections.size === 0);
  if (faults.length > 0) throw faults[0];
  if (problems.length > 0) throw problems[0];
  if (!answered) throw new Error(`not answered: ${ledger}`);
  if (server.connections.size > 0) throw new Error('the connection is never over');
}

/** When one input is repeated: what was said. */
function tell(_: unknown, direction: string, message: AnyMessage): void {
  console.log(direction === 'received' ? '→' : '←', formatMessage(message));
}

/** The version and a root at fid 0, and, as few conversations get there, one file of each kind. */
function opening(dialect: Dialect): TMessage[] {
  const who = { uname: 'root', aname: '', nUname: 0 };
  const walk = (newfid: number, ...names: string[]): TMessage => {
    return { type: MessageType.Twalk, tag: 60 + newfid, fid: 0, newfid, names };
  };
  return [
    { type: MessageType.Tversion, tag: NOTAG, msize: 4096, version: dialect },
    { type: MessageType.Tattach, tag: 60, fid: 0, afid: NOFID, ...who },
    walk(1, 'a'),
    walk(2, 'd'),
  ];
}

/** Whatever bytes there are, cut into pieces. */
function* chunks(supply: Supply): Iterable<Buffer> {
  const most = 1 + supply.byte();
  const bytes = Buffer.from(supply.rest());
  for (let at = 0; at < bytes.length; at += most) yield bytes.subarray(at, at + most);
}

/** One thing that a client does. */
async function act(
  supply: Supply,
  dialect: Dialect,
  step: number,
  wire: Wire,
  say: (bytes: Buffer) => void,
): Promise<void> {
  const tag = supply.once(16) ? supply.below(60) : step;
  switch (supply.below(16)) {
    case 0:
      return turn();
    case 1:
      wire.taking = !wire.taking;
      return wire.take();
    case 2: {
      const oldtag = Math.max(step - 1 - supply.below(3), 0);
      return say(encode({ type: MessageType.Tflush, tag, oldtag }, dialect));
    }
    case 3:
      return say(damaged(frameIn(supply, dialect, tag), supply));
    case 4: {
      const bytes = frameIn(supply, dialect, tag);
      const at = supply.below(bytes.length + 1);
      say(bytes.subarray(0, at));
      await turn();
      return say(bytes.subarray(at));
    }
    case 5:
      for (const message of visit(supply, dialect)) say(encode(message, dialect));
      return;
    case 6: {
      if (!supply.once(8)) break;
      const version = supply.pick([dialect, ...DIALECTS, 'unknown']);
      const msize = supply.pick([8192, 256, 300, 0]);
      return say(encode({ type: MessageType.Tversion, tag: NOTAG, msize, version }, dialect));
    }
  }
  say(frameIn(supply, dialect, tag));
}

/** Reads what lies at the end of some names. */
function* visit(supply: Supply, dialect: Dialect): Iterable<TMessage> {
  const fid = supply.below(FIDS);
  const names = Array.from({ length: 1 + supply.below(3) }, () => nameIn(supply));
  yield { type: MessageType.Tclunk, tag: 50, fid };
  yield { type: MessageType.Twalk, tag: 51, fid: 0, newfid: fid, names };
  const isLinux = dialect === '9P2000.L';
  if (isLinux) yield { type: MessageType.Tlopen, tag: 52, fid, flags: 0 };
  else yield { type: MessageType.Topen, tag: 52, fid, mode: 0 };
  yield { type: MessageType.Tread, tag: 53, fid, offset: 0, count: 1000 };
  if (isLinux) yield { type: MessageType.Treaddir, tag: 54, fid, offset: 0, count: 1000 };
}

/**
 * Makes requests wait that file servers here answer at once: for some turns of the loop, or until nobody wants them
 * any more.
 */
function delaying(supply: Supply): Intercept<unknown> {
  // Decided beforehand: when a request is dealt with must not decide what the next one is.
  const delays = supply.bytes(16);
  let asked = 0;
  return async (request, _message, next) => {
    const delay = delays.length > 0 ? delays[asked++ % delays.length]! % 8 : 0;
    for (let turns = delay === 7 ? MAX_DELAY : delay; turns > 0; turns--) {
      if (request.cancelled) throw request.signal.reason;
      await turn();
    }
    return next();
  };
}

function frameIn(supply: Supply, dialect: Dialect, tag: number): Buffer {
  return Buffer.from(encode(requestIn(supply, dialect, tag), dialect));
}

/** A frame as a client that cannot count would send it. */
function damaged(frame: Buffer, supply: Supply): Buffer {
  switch (supply.below(4)) {
    case 0:
      frame[4] = typeIn(supply);
      return frame;
    case 1:
      frame[supply.below(frame.length)] = supply.byte();
      return frame;
    default: {
      const other = Buffer.concat([
        frame.subarray(0, 7 + supply.below(frame.length)),
        supply.bytes(9),
      ]);
      other.writeUInt32LE(other.length, 0);
      return other;
    }
  }
}

/** A tree like that of the directory. */
async function inMemory(): Promise<FileServer<unknown>> {
  const files = memoryServer({ limit: 1 << 20 }) as FileServer<unknown>;
  const wire = new Wire(() => {});
  new Server(files).accept(wire);
  const tag = 1;
  const say = (message: TMessage) => wire.deliver(encode(message, '9P2000.L'));
  for (const message of opening('9P2000.L').slice(0, 2)) say(message);
  const walk = (newfid: number) => say({ type: MessageType.Twalk, tag, fid: 0, newfid, names: [] });
  const mode = 0o755;
  say({ type: MessageType.Tmkdir, tag, fid: 0, name: 'd', mode, gid: NONUNAME });
  say({ type: MessageType.Tsymlink, tag, fid: 0, name: 'link', target: '..', gid: NONUNAME });
  walk(1);
  say({ type: MessageType.Tlcreate, tag, fid: 1, name: 'a', flags: 1, mode, gid: NONUNAME });
  say({ type: MessageType.Twrite, tag, fid: 1, offset: 0, data: Buffer.from('contents of a\n') });
  await turn();
  wire.leave();
  return files;
}

async function checkReleased(files: DirectoryServer, before: number): Promise<void> {
  scratch.check();
  await turn();
  files.close();
  // The one that stands for the root goes too.
  await becomes(() => files.nodes === 0 && openDescriptors() < before);
  if (files.nodes > 0) throw new Error(`${files.nodes} files are held by nobody`);
  const left = openDescriptors() - (before - 1);
  if (left > 0) throw new Error(`${left} descriptors were left open`);
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
