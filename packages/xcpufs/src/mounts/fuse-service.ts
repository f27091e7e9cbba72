import { close } from 'node:fs';
import { readlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { DuplexTransport } from '@xcpu/9p-protocol';
import { type FileSystem, mount } from '@xcpu/9p-protocol/client';
import {
  CACHE_MODES,
  type CachePolicy,
  Foresight,
  type FuseServer,
  MountPoint,
  openFuse,
  ownersAlone,
  ownersMapped,
  serveFuse,
} from '@xcpu/9pfuse';
import {
  type AbortOrder,
  type HelperNews,
  MAX_ORDER,
  type MountOrder,
  parseLine,
} from './helper-protocol.js';

/** Each is some kilobytes. */
const MAX_FORESIGHTS = 128;

const PEER = { address: 'session', group: 'session' };

/** Carries out the daemon's orders in the helper: mounts, and serves until the mount is gone, or the daemon ends it. */
export class FuseService {
  readonly #tell: (news: HelperNews) => void;
  readonly #foresights = new Foresights();
  /** By the numbers of their orders. */
  readonly #serving = new Map<number, FuseServer>();

  constructor(tell: (news: HelperNews) => void) {
    this.#tell = tell;
  }

  /** One connection: an order, then the 9P conversation. */
  async accept(socket: Socket): Promise<void> {
    socket.on('error', () => {});
    const line = await firstLine(socket);
    if (line === undefined) return;
    const order = parseLine<MountOrder>(line);
    const { id } = order;
    try {
      const server = await serve(order, socket, this.#foresights);
      this.#serving.set(id, server);
      this.#tell({ event: 'mounted', id });
      // The conversation may end before: then everything is answered with EIO until the mount is gone.
      await server.closed.catch(() => {});
      this.#serving.delete(id);
      socket.end(() => socket.destroy());
      this.#tell({ event: 'ended', id });
    } catch (error) {
      socket.destroy();
      this.#tell({ event: 'failed', id, reason: (error as Error).message });
    }
  }

  /** Ends what is mounted; does nothing once it is gone. */
  abort({ abort }: AbortOrder): void {
    this.#serving.get(abort)?.abort();
  }
}

/** What users' programs look up first, of those that ran last. */
class Foresights {
  readonly #known = new Map<string, Foresight>();

  of(uid: number, program: string): Foresight {
    const key = `${uid} ${program}`;
    const foresight = this.#known.get(key) ?? new Foresight();
    this.#known.delete(key);
    this.#known.set(key, foresight);
    if (this.#known.size > MAX_FORESIGHTS) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return foresight;
  }
}

/** Writes are with the server when write(2) returns: a conversation may end with its session, before late ones got through. */
const UNCHANGING: CachePolicy = { ...CACHE_MODES.loose, writeBack: false };

/** Mounts while the conversation begins: both take a while. */
async function serve(
  order: MountOrder,
  socket: Socket,
  foresights: Foresights,
): Promise<FuseServer> {
  await checkNamespace(order.pid);
  const fd = await openFuse();
  const placed = mountPoint(fd, order);
  // A server may take its time, for nothing.
  placed.catch(() => socket.destroy());
  const [place, files] = await Promise.allSettled([placed, opened(order, socket)]);
  let server: FuseServer | undefined;
  try {
    if (place.status === 'rejected') throw place.reason;
    if (files.status === 'rejected') throw files.reason;
    server = await serveFuse(fd, files.value.root, {
      cache: order.unchanging ? UNCHANGING : 'open',
      owners: ownersOf(order),
      // Another's server is not to learn what was looked up at one's own.
      ...(order.program !== undefined && {
        foresight: foresights.of(order.user.uid, order.program),
      }),
    });
    await server.ready;
    await place.value.readAhead();
    return server;
  } catch (error) {
    // Once it is served, that closes it: by now its number may be another file's.
    if (!server) close(fd, () => {});
    if (place.status === 'fulfilled') await place.value.abort();
    throw error;
  }
}

/** A process that has not left the helper's namespace would have the mount made for everybody. */
async function checkNamespace(pid: number): Promise<void> {
  const [own, other] = await Promise.all([
    readlink('/proc/self/ns/mnt'),
    readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined),
  ]);
  if (other === undefined) throw new Error('the program has ended');
  if (own === other) throw new Error('the program has no mount namespace of its own');
}

function mountPoint(fd: number, order: MountOrder): Promise<MountPoint> {
  const { pid, directory, source, user, mapped, readOnly } = order;
  return MountPoint.make(
    fd,
    directory,
    {
      name: source,
      user: mapped ?? user,
      permissions: 'server',
      // chroot(2), which only root may, asks for the right to enter. Nobody but the session's user is in its namespace.
      allowOther: true,
      options: readOnly ? ['ro'] : [],
    },
    pid,
  );
}

function opened(order: MountOrder, socket: Socket): Promise<FileSystem> {
  const { user, msize, dialect } = order;
  const files = mount(new DuplexTransport(socket, PEER), {
    uname: user.name,
    nUname: user.uid,
    msize,
    version: dialect,
    // Who stops his xrx for a while stops his programs' use of his files, as with other network file systems.
    heartbeat: 0,
  });
  socket.resume();
  return files;
}

/** The server tells of owners by the node's numbers. */
function ownersOf({ user, mapped }: MountOrder) {
  return mapped ? ownersAlone(user, mapped) : ownersMapped(user, user);
}

/** The first line; undefined where the connection ends before. What follows it stays to be read. */
function firstLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const data = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf('\n');
      if (end < 0) {
        if (held.length > MAX_ORDER) socket.destroy();
        return;
      }
      socket.removeListener('data', data);
      socket.pause();
      if (end + 1 < held.length) socket.unshift(held.subarray(end + 1));
      resolve(held.toString('utf8', 0, end));
    };
    socket.on('data', data);
    socket.once('close', () => resolve(undefined));
  });
}
