import {
  dontTouch,
  MessageType,
  NOFID,
  NONUNAME,
  NOTAG,
  OpenMode,
  type Stat,
  type TMessage,
} from '@xcpu/9p-protocol';
import type { Random } from './random.js';
import { argv, environment, namespace, nodeCommands, sessionCommands } from './texts.js';

/** The fids that every seed starts with: the root, and `clone` of the session that it may use. */
export const ROOT_FID = 1;
export const CLONE_FID = 2;

/** What a seed may name. */
export interface SeedContext {
  readonly random: Random;
  /** The session made for it. */
  readonly sid: string;
  readonly uname: string;
}

/** A conversation that a well-behaved client could have after logging in. */
export type Seed = (context: SeedContext) => TMessage[];

/** Conversations of any user. */
export const userSeeds: readonly Seed[] = [
  wholeJob,
  streams,
  pushedFiles,
  directories,
  metadata,
  sessionTexts,
  flushes,
  strangers,
];

/** Conversations of the administrator. */
export const adminSeeds: readonly Seed[] = [nodeControl, nodeFiles, handOver];

/** Fids and tags in the order in which a client takes them. */
export class Client {
  readonly messages: TMessage[] = [];
  #fid = CLONE_FID + 1;
  #tag = 1;

  walk(path: string, from = ROOT_FID): number {
    const newfid = this.#fid++;
    const names = path.split('/').filter(Boolean);
    this.say({ type: MessageType.Twalk, fid: from, newfid, names });
    return newfid;
  }

  open(path: string, mode: number = OpenMode.READ): number {
    const fid = this.walk(path);
    this.say({ type: MessageType.Topen, fid, mode });
    return fid;
  }

  read(fid: number, offset = 0, count = 4096): number {
    return this.say({ type: MessageType.Tread, fid, offset, count });
  }

  write(fid: number, data: string | Buffer, offset = 0): number {
    return this.say({ type: MessageType.Twrite, fid, offset, data: Buffer.from(data) });
  }

  clunk(fid: number): void {
    this.say({ type: MessageType.Tclunk, fid });
  }

  flush(oldtag: number): void {
    this.say({ type: MessageType.Tflush, oldtag });
  }

  say(message: Untagged): number {
    const tag = this.#tag++;
    this.messages.push({ ...message, tag } as TMessage);
    return tag;
  }
}

type Untagged = TMessage extends infer M ? (M extends TMessage ? Omit<M, 'tag'> : never) : never;

function wholeJob({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  const ctl = client.open(`${sid}/ctl`, OpenMode.READ_WRITE);
  const env = client.open(`${sid}/env`, OpenMode.WRITE | OpenMode.APPEND);
  client.write(env, "XCPUTSADDR=\n'A=b c'\n");
  const ns = client.open(`${sid}/ns`, OpenMode.WRITE | OpenMode.TRUNCATE);
  client.write(ns, 'cd /\n');
  const program = random.pick(['/bin/true', '/bin/false', 'echo', '/nonexistent']);
  const argvFile = client.open(`${sid}/argv`, OpenMode.WRITE | OpenMode.TRUNCATE);
  client.write(argvFile, `${program} 'a b' ''`);
  client.write(ctl, `id job${random.int(9)}/${random.int(9)}\nexec ${program}\n`);
  for (const file of ['wait', 'stdout', 'stderr', 'id']) client.read(client.open(`${sid}/${file}`));
  client.read(ctl);
  client.write(ctl, 'close stdin\nsignal 15\n');
  client.clunk(ctl);
  return client.messages;
}

function streams({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  const ctl = client.open(`${sid}/ctl`, OpenMode.WRITE);
  client.write(client.open(`${sid}/argv`, OpenMode.WRITE), random.pick(['cat', 'sleep 3', 'wc']));
  if (random.once(3)) client.write(ctl, 'type persistent\n');
  client.write(ctl, random.pick(['exec cat\n', 'exec sleep\n', 'exec wc\n']));
  const stdin = client.open(`${sid}/stdin`, OpenMode.WRITE);
  const stdio = client.open(`${sid}/stdio`, OpenMode.READ_WRITE);
  for (let round = 0; round < 4; round++) {
    client.write(stdin, random.bytes(random.pick([0, 1, 100, 30_000])));
    client.read(stdio, 0, random.pick([0, 1, 4096, 32_000]));
    client.write(stdio, 'both ways\n');
  }
  const waiting = client.read(client.open(`${sid}/stderr`));
  client.write(ctl, random.pick(['close stdin\n', 'signal SIGKILL\n', 'close stdout\n', 'wipe\n']));
  client.flush(waiting);
  client.clunk(stdin);
  return client.messages;
}

function pushedFiles({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  const create = (fid: number, name: string, perm: number, mode: number) =>
    client.say({ type: MessageType.Tcreate, fid, name, perm, mode, extension: '' });
  const file = client.walk(`${sid}/fs`);
  create(file, 'program', 0o755, OpenMode.READ_WRITE);
  client.write(file, '#!/bin/sh\necho pushed\n');
  client.read(file, 0, 100);
  const directory = client.walk(`${sid}/fs`);
  create(directory, 'd', 0x80000000 + 0o755, OpenMode.READ);
  client.read(directory);
  const inside = client.walk(`${sid}/fs/d`);
  create(inside, 'x', 0o644, OpenMode.WRITE);
  client.write(inside, random.bytes(500), random.pick([0, 1, 2 ** 40]));
  client.say({ type: MessageType.Tstat, fid: inside });
  const named = client.walk(`${sid}/fs/program`);
  client.say({ type: MessageType.Twstat, fid: named, stat: { ...dontTouch, name: 'renamed' } });
  client.say({ type: MessageType.Twstat, fid: named, stat: { ...dontTouch, length: 3 } });
  client.say({ type: MessageType.Twstat, fid: named, stat: { ...dontTouch, mode: 0o700 } });
  client.write(client.open(`${sid}/ctl`, OpenMode.WRITE), 'exec renamed\n');
  client.say({ type: MessageType.Tremove, fid: client.walk(`${sid}/fs/d/x`) });
  client.say({ type: MessageType.Tremove, fid: client.walk(`${sid}/fs/d`) });
  return client.messages;
}

function directories({ sid }: SeedContext): TMessage[] {
  const client = new Client();
  for (const path of ['', sid, `${sid}/fs`, `${sid}/..`, `${sid}/fs/../../..`]) {
    const directory = client.open(path);
    client.read(directory, 0, 8000);
    client.read(directory, 200, 100);
    client.say({ type: MessageType.Tstat, fid: directory });
    client.clunk(directory);
  }
  for (const file of ['arch', 'procs', 'state', 'env', 'ns', 'pwent', 'passkey']) {
    const fid = client.open(file);
    client.read(fid, 0, 8000);
    client.read(fid, 8000, 8000);
  }
  return client.messages;
}

function metadata({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  for (const path of ['clone', 'ctl', 'env', sid, `${sid}/ctl`, `${sid}/argv`, `${sid}/stdin`]) {
    const fid = client.walk(path);
    client.say({ type: MessageType.Tstat, fid });
    const stat: Stat = {
      ...dontTouch,
      ...random.pick([{ length: 0 }, { mode: 0o600 }, { uid: 'bob' }, { nUid: 1 }, { name: 'x' }]),
    };
    client.say({ type: MessageType.Twstat, fid, stat });
    client.say({ type: MessageType.Tremove, fid });
  }
  return client.messages;
}

function sessionTexts({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  const mode = random.pick([1, 2, OpenMode.WRITE | OpenMode.TRUNCATE, 1 | OpenMode.APPEND]);
  const files = { env: environment, argv, ns: namespace };
  for (const [name, text] of Object.entries(files)) {
    const fid = client.open(`${sid}/${name}`, mode);
    for (let count = random.int(3); count >= 0; count--) {
      client.write(fid, text(random), random.pick([0, 0, 5, 2 ** 33]));
    }
  }
  const ctl = client.open(`${sid}/ctl`, OpenMode.WRITE);
  for (let count = random.int(4); count >= 0; count--) client.write(ctl, sessionCommands(random));
  client.write(ctl, '\nexec /bin/true\n');
  client.read(client.open(`${sid}/wait`));
  client.read(client.open(`${sid}/stderr`));
  return client.messages;
}

function flushes({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  const files = ['wait', 'stdout', 'stderr', 'stdio'].map((file) => client.open(`${sid}/${file}`));
  const stdin = client.open(`${sid}/stdin`, OpenMode.WRITE);
  const tags: number[] = [];
  for (let count = 0; count < 12; count++) {
    tags.push(client.read(random.pick(files)), client.write(stdin, 'x'));
    if (random.once(2)) client.flush(random.pick(tags));
  }
  client.write(client.open(`${sid}/ctl`, OpenMode.WRITE), 'exec cat\nclose stdin\n');
  for (const fid of files) client.clunk(fid);
  return client.messages;
}

/** Says who it is once more, as somebody else or as nobody. */
function strangers({ uname, random }: SeedContext): TMessage[] {
  const client = new Client();
  const who = random.pick([uname, 'nobody', 'bob', '', 'xcpu-admin']);
  const login = { uname: who, aname: '', nUname: random.pick([NONUNAME, 0, 9999, 41001]) };
  client.say({ type: MessageType.Tauth, afid: 100, ...login });
  client.read(100, 0, 16);
  client.write(100, random.bytes(random.pick([0, 20, 128, 256, 4096])));
  client.say({ type: MessageType.Tattach, fid: 101, afid: random.pick([100, NOFID]), ...login });
  client.read(client.walk('', 101));
  if (random.once(4)) {
    const version = random.pick(['9P2000', '9P2000.u', '9P2000.L', 'unknown', '']);
    client.messages.push({ type: MessageType.Tversion, tag: NOTAG, msize: 8192, version });
    client.say({ type: MessageType.Tattach, fid: 1, afid: NOFID, ...login });
  }
  return client.messages;
}

function nodeControl({ random }: SeedContext): TMessage[] {
  const client = new Client();
  const ctl = client.open('ctl', OpenMode.WRITE);
  for (let count = random.int(8); count >= 0; count--) client.write(ctl, nodeCommands(random));
  client.read(client.open('pwent'));
  client.read(client.open('grent'));
  return client.messages;
}

function nodeFiles({ random }: SeedContext): TMessage[] {
  const client = new Client();
  const texts = { env: environment, ns: namespace, state: argv };
  for (const [name, text] of Object.entries(texts)) {
    const mode = random.pick([OpenMode.READ_WRITE, OpenMode.READ_WRITE | OpenMode.TRUNCATE]);
    const fid = client.open(name, mode);
    client.write(fid, text(random), random.pick([0, 3, 2 ** 32]));
    client.read(fid);
  }
  for (const path of ['clone', 'ctl', 'env', 'procs', 'passkey']) {
    const change = random.pick([
      { mode: 0o444 },
      { uid: 'xcpu-admin' },
      { gid: 'crew' },
      { nGid: 7 },
    ]);
    const stat: Stat = { ...dontTouch, ...change };
    client.say({ type: MessageType.Twstat, fid: client.walk(path), stat });
  }
  client.clunk(client.open('clone'));
  return client.messages;
}

function handOver({ sid, random }: SeedContext): TMessage[] {
  const client = new Client();
  const owner = random.pick([{ uid: 'fuzz' }, { uid: 'nobody' }, { nUid: 41001 }, { nUid: 7 }]);
  const stat: Stat = { ...dontTouch, ...owner };
  client.say({ type: MessageType.Twstat, fid: client.walk(sid), stat });
  const ctl = client.open(`${sid}/ctl`, OpenMode.WRITE);
  client.write(ctl, 'exec /bin/true\n');
  client.read(client.open(`${sid}/wait`));
  client.write(ctl, 'wipe\n');
  return client.messages;
}
