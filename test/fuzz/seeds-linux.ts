import {
  AT_REMOVEDIR,
  GetattrMask,
  LinuxOpen,
  LockType,
  MessageType,
  NONUNAME,
  SetattrMask,
} from '@xcpu/9p-protocol';
import { Client, type Seed, type SeedContext } from './seeds.js';
import { environment, sessionCommands } from './texts.js';

const T = MessageType;
const gid = NONUNAME;

/** Conversations of any user in 9P2000.L, as the Linux kernel or a program with its messages could have them. */
export const linuxSeeds: readonly Seed[] = [job, pushedTree, listings, attributes, unsupported];

/** Opens in the way of 9P2000.L. */
function opened(client: Client, path: string, flags: number = LinuxOpen.RDONLY): number {
  const fid = client.walk(path);
  client.say({ type: T.Tlopen, fid, flags });
  return fid;
}

function job({ sid, random }: SeedContext) {
  const client = new Client();
  const ctl = opened(client, `${sid}/ctl`, LinuxOpen.RDWR);
  client.write(
    opened(client, `${sid}/env`, LinuxOpen.WRONLY | LinuxOpen.APPEND),
    environment(random),
  );
  client.write(opened(client, `${sid}/argv`, LinuxOpen.WRONLY | LinuxOpen.TRUNC), "echo 'a b'");
  client.write(ctl, sessionCommands(random));
  client.write(ctl, 'exec echo\n');
  const waiting = client.read(opened(client, `${sid}/stdout`));
  client.read(opened(client, `${sid}/wait`));
  client.flush(waiting);
  client.say({ type: T.Tfsync, fid: ctl, datasync: 0 });
  client.clunk(ctl);
  return client.messages;
}

function pushedTree({ sid, random }: SeedContext) {
  const client = new Client();
  const root = client.walk(`${sid}/fs`);
  const flags = random.pick([0, LinuxOpen.EXCL]) | LinuxOpen.CREATE | LinuxOpen.RDWR;
  client.say({ type: T.Tmkdir, fid: root, name: 'd', mode: 0o755, gid });
  client.say({ type: T.Tmkdir, fid: root, name: 'e', mode: 0o40700, gid });
  const file = client.walk(`${sid}/fs/d`);
  client.say({ type: T.Tlcreate, fid: file, name: 'f', flags, mode: 0o100644, gid });
  client.write(file, random.bytes(200), random.pick([0, 1, 2 ** 40]));
  client.say({ type: T.Tfsync, fid: file, datasync: 1 });
  client.read(file, 0, 100);
  const named = client.walk(`${sid}/fs/d/f`);
  const [from, to] = [client.walk(`${sid}/fs/d`), client.walk(`${sid}/fs/e`)];
  client.say({ type: T.Trename, fid: named, dfid: from, name: 'g' });
  client.say({ type: T.Trename, fid: named, dfid: to, name: 'g' });
  const renamed = { type: T.Trenameat, olddirfid: from, newdirfid: from } as const;
  client.say({ ...renamed, oldname: random.pick(['f', 'g']), newname: 'h' });
  client.say({ ...renamed, oldname: 'h', newname: random.pick(['i', 'h', '../x', '..']) });
  client.say({ type: T.Tunlinkat, dirfid: from, name: random.pick(['i', 'h']), flags: 0 });
  client.say({ type: T.Tunlinkat, dirfid: root, name: 'e', flags: AT_REMOVEDIR });
  return client.messages;
}

function listings({ sid, random }: SeedContext) {
  const client = new Client();
  for (const path of ['', sid, `${sid}/fs`, `${sid}/..`]) {
    const fid = opened(client, path, LinuxOpen.DIRECTORY);
    client.say({ type: T.Treaddir, fid, offset: 0, count: random.pick([0, 1, 100, 8000]) });
    client.say({ type: T.Treaddir, fid, offset: random.pick([1, 2, 5, 2 ** 40]), count: 8000 });
    client.read(fid);
    client.say({ type: T.Tstatfs, fid });
    client.clunk(fid);
  }
  return client.messages;
}

function attributes({ sid, random }: SeedContext) {
  const client = new Client();
  const times = { atimeSec: 1, atimeNsec: 2, mtimeSec: 3, mtimeNsec: 4 };
  for (const path of ['clone', 'ctl', sid, `${sid}/ctl`, `${sid}/argv`, `${sid}/fs`]) {
    const fid = client.walk(path);
    client.say({ type: T.Tgetattr, fid, requestMask: GetattrMask.ALL });
    const valid = random.pick([0, SetattrMask.SIZE, SetattrMask.MODE, SetattrMask.UID, 0x1ff]);
    const owner = { uid: random.pick([0, 41001]), gid, mode: random.pick([0o600, 0o7777]) };
    client.say({ type: T.Tsetattr, fid, valid, ...owner, size: 0, ...times });
    client.say({ type: T.Tremove, fid });
  }
  return client.messages;
}

/** What files of a node have not. */
function unsupported({ sid, random }: SeedContext) {
  const client = new Client();
  const root = client.walk(`${sid}/fs`);
  client.say({ type: T.Tsymlink, fid: root, name: 'l', target: '/etc/passwd', gid });
  const mode = random.pick([0o10644, 0o20644, 0o100644, 0o140644]);
  client.say({ type: T.Tmknod, fid: root, name: 'n', mode, major: 1, minor: 3, gid });
  client.say({ type: T.Tlink, dfid: root, fid: client.walk(`${sid}/ctl`), name: 'hard' });
  client.say({ type: T.Treadlink, fid: root });
  client.say({ type: T.Txattrwalk, fid: root, newfid: 200, name: random.pick(['', 'user.a']) });
  const argv = opened(client, `${sid}/argv`, LinuxOpen.RDWR);
  const range = { start: 0, length: 0, procId: 1, clientId: 'fuzz' };
  const lock = { fid: argv, lockType: random.pick(Object.values(LockType)), ...range };
  client.say({ ...lock, type: T.Tlock, flags: 0 });
  client.say({ ...lock, type: T.Tgetlock });
  client.say({ type: T.Txattrcreate, fid: root, name: 'user.a', size: 5, flags: 0 });
  client.write(root, 'value');
  client.clunk(root);
  return client.messages;
}
