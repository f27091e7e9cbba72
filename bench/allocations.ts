/**
 * What the server allocates for a message: V8's heap profile, objects that were collected meanwhile included, of some
 * thousand requests fed to a connection without a socket. Below each row: who allocated most of it.
 *
 * A request costs what it is made of: the decoded message, the Request that stands for it, and what its answer holds.
 * Anything else in the profile is a slip.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Dialect,
  encode,
  GetattrMask,
  MessageType,
  NOFID,
  NONUNAME,
  NOTAG,
  OpenMode,
  type TMessage,
  type Transport,
  type TransportEvents,
} from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { type FileServer, Server, serveTree } from '@xcpu/9p-protocol/server';
import { type Row, report } from './lib/report.js';

const WARM_UP = 20_000;
const MESSAGES = 50_000;
/** Bytes between two samples, on average. */
const INTERVAL = 256;
const SHOWN = 5;
const DATA = Buffer.alloc(4096, 'x');
const FILE = 1;
const OPEN = 2;

/** Takes what is sent, and forgets it. */
class Wire implements Transport {
  readonly peer = { address: 'bench', group: 'bench' };
  readonly localAddress = 'bench';
  readonly unsent = 0;
  events!: TransportEvents;
  answers = 0;
  #paused = false;

  start(events: TransportEvents): void {
    this.events = events;
  }

  /** Answers that are not there at once are by the time this resolves. */
  async feed(frame: Buffer): Promise<void> {
    this.events.data(frame);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async feedMany(frame: Buffer, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      this.events.data(frame);
      while (this.#paused) await nextTurn();
    }
  }

  send(pieces: readonly Uint8Array[]): void {
    if (pieces.length > 0) this.answers++;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {}
  destroy(error?: Error): void {
    throw error ?? new Error('the server closed the connection');
  }
}

const session = new Session();
session.connect();
const folder = mkdtempSync(join(tmpdir(), 'xcpu-bench-'));
writeFileSync(join(folder, 'file'), DATA);
const directory = serveDirectory(folder);
const tree = serveTree({ file: { read: () => DATA } });
try {
  const tag = 1;
  const getattr = {
    type: MessageType.Tgetattr,
    tag,
    fid: FILE,
    requestMask: GetattrMask.BASIC,
  } as const;
  const stat = { type: MessageType.Tstat, tag, fid: FILE } as const;
  const read = { type: MessageType.Tread, tag, fid: OPEN, offset: 0, count: 4096 } as const;
  const write = { type: MessageType.Twrite, tag, fid: OPEN, offset: 0, data: DATA } as const;
  await measure('Tread of 4 KiB, tree', tree, '9P2000.u', read);
  await measure('Tstat, tree', tree, '9P2000.u', stat);
  await measure('Tgetattr, directory', directory, '9P2000.L', getattr);
  await measure('Tread of 4 KiB, directory', directory, '9P2000.L', read);
  await measure('Twrite of 4 KiB, directory', directory, '9P2000.L', write);
} finally {
  directory.close();
  rmSync(folder, { recursive: true });
}

async function measure<User>(
  what: string,
  files: FileServer<User>,
  dialect: Dialect,
  message: TMessage,
): Promise<void> {
  const wire = new Wire();
  new Server(files).accept(wire);
  for (const setUp of conversation(dialect)) {
    await wire.feed(encode(setUp, dialect));
  }
  const frame = encode(message, dialect);
  await wire.feedMany(frame, WARM_UP);
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: INTERVAL,
    includeObjectsCollectedByMinorGC: true,
    includeObjectsCollectedByMajorGC: true,
  });
  await wire.feedMany(frame, MESSAGES);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  if (wire.answers < WARM_UP + MESSAGES) throw new Error(`${what}: not all was answered`);
  report('allocations', rows(what, profile.head));
}

/** A fid of the file, and one of it open. */
function conversation(dialect: Dialect): TMessage[] {
  const who = { afid: NOFID, uname: 'bench', aname: '', nUname: NONUNAME };
  const names = ['file'];
  return [
    { type: MessageType.Tversion, tag: NOTAG, msize: 1 << 20, version: dialect },
    { type: MessageType.Tattach, tag: 1, fid: 0, ...who },
    { type: MessageType.Twalk, tag: 1, fid: 0, newfid: FILE, names },
    { type: MessageType.Twalk, tag: 1, fid: 0, newfid: OPEN, names },
    dialect === '9P2000.L'
      ? { type: MessageType.Tlopen, tag: 1, fid: OPEN, flags: OpenMode.READ_WRITE }
      : { type: MessageType.Topen, tag: 1, fid: OPEN, mode: OpenMode.READ },
  ];
}

interface Allocations {
  readonly selfSize: number;
  readonly callFrame: { readonly functionName: string };
  readonly children: readonly Allocations[];
}

function rows(what: string, head: Allocations): Row[] {
  const bytes = new Map<string, number>();
  add(head, bytes);
  const sorted = [...bytes].sort(([, a], [, b]) => b - a);
  const all = sorted.reduce((sum, [, size]) => sum + size, 0);
  const row = (name: string, size: number) => ({
    what: name,
    measured: `${(size / MESSAGES).toFixed(0)} bytes`,
  });
  return [
    row(what, all),
    ...sorted.slice(0, SHOWN).map(([name, size]) => row(`  ${name || '(anonymous)'}`, size)),
  ];
}

function add({ selfSize, callFrame, children }: Allocations, bytes: Map<string, number>): void {
  const { functionName } = callFrame;
  bytes.set(functionName, (bytes.get(functionName) ?? 0) + selfSize);
  for (const child of children) add(child, bytes);
}
