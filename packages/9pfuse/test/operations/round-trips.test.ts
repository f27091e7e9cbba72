import { LinuxOpen, MessageType, transportPair } from '@xcpu/9p-protocol';
import { attach, Client } from '@xcpu/9p-protocol/client';
import { memoryServer } from '@xcpu/9p-protocol/memory';
import { Server } from '@xcpu/9p-protocol/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CACHE_MODES, type CachePolicy } from '../../src/cache.js';
import { dispatch } from '../../src/dispatch.js';
import { sameOwners } from '../../src/owners.js';
import {
  FuseLockType,
  Opcode,
  OpenReplyFlag,
  ROOT_NODE,
  SetattrValid,
} from '../../src/protocol/constants.js';
import type { FuseRequest } from '../../src/protocol/requests.js';
import { LinuxRemote } from '../../src/remote/linux.js';
import { Pipeline } from '../../src/remote/pipeline.js';
import { Foresight } from '../../src/tree/foresight.js';
import { NodeTable } from '../../src/tree/node-table.js';
import { Volume } from '../../src/volume.js';

const { signal } = new AbortController();
const CONTENTS = 'x'.repeat(200_000);

describe('requests of the server', () => {
  let client: Client;
  let volume: Volume;
  let foresight: Foresight;
  /** Types of the messages that the server got since the last look. */
  let asked: number[];
  /** Whether the kernel takes contents into its page cache, and which it took. */
  let takes: boolean;
  let stored: { node: number; offset: number; contents: string }[];

  beforeEach(async () => {
    const [near, far] = transportPair();
    new Server(memoryServer(), {
      trace: (_, direction, { type }) => direction === 'received' && asked.push(type),
    }).accept(far);
    asked = [];
    takes = false;
    stored = [];
    client = await Client.connect(near, { version: '9P2000.L' });
    foresight = new Foresight();
    volume = await mounted();
    await make();
  });
  afterEach(() => client.destroy());

  async function mounted(cache: CachePolicy = CACHE_MODES.open): Promise<Volume> {
    const root = await attach(client, { uname: 'root', nUname: 0 });
    const remote = new LinuxRemote();
    return new Volume({
      remote,
      pipeline: new Pipeline(),
      nodes: new NodeTable(root, await remote.getattr(root, {}), 100),
      owners: sameOwners,
      cache,
      clientId: 'test',
      kernel: {
        forgetAttributes: () => {},
        store: ({ id }, { offset, pieces }) => {
          if (takes) stored.push({ node: id, offset, contents: Buffer.concat(pieces).toString() });
          return takes;
        },
      },
      foresight,
    });
  }

  /** /file, /link -> file, /directory/deep */
  async function make(): Promise<void> {
    const root = volume.nodes.root.fid!;
    const { remote } = volume;
    const write = async (parent: typeof root, name: string, contents: string) => {
      const fid = await parent.walk([]);
      await remote.create(fid, name, LinuxOpen.RDWR, 0o644, undefined, {});
      for (let at = 0; at < contents.length; at += fid.chunk) {
        await fid.write(at, Buffer.from(contents).subarray(at, at + fid.chunk));
      }
      await fid.clunk();
    };
    await write(root, 'file', CONTENTS);
    await remote.symlink(root, 'link', 'file', undefined, {});
    await remote.mkdir(root, 'directory', 0o755, undefined, {});
    await write(await root.walk(['directory']), 'deep', 'deep');
    asked = [];
  }

  /** What they were since the last time. */
  function requests(): string[] {
    const names = asked.map((type) => nameOf(type));
    asked = [];
    return names;
  }

  async function does(opcode: number, more: object, on = volume): Promise<Buffer> {
    const request = { opcode, node: ROOT_NODE, uid: 0, gid: 0, pid: 1, ...more };
    const { body } = await dispatch(on, request as unknown as FuseRequest, signal);
    return Buffer.concat(body);
  }

  const lookup = async (name: string, node = ROOT_NODE, on = volume) =>
    Number((await does(Opcode.LOOKUP, { name, node }, on)).readBigUInt64LE(0));
  const open = async (node: number, flags = 0) =>
    Number((await does(Opcode.OPEN, { node, flags })).readBigUInt64LE(0));
  const read = (node: number, handle: number, offset: number, size: number) =>
    does(Opcode.READ, { node, handle, offset, size, lockOwner: 0, flags: 0 });
  const write = (node: number, handle: number, offset: number, data: string) =>
    does(Opcode.WRITE, { node, handle, offset, data: Buffer.from(data), writeFlags: 0 });

  test('a file’s beginning comes with its opening, once', async () => {
    const node = await lookup('file');
    requests();
    const handle = await open(node);
    expect(requests()).toEqual(['Twalk', 'Tlopen', 'Tgetattr', 'Tread']);
    expect((await read(node, handle, 0, 4096)).toString()).toBe(CONTENTS.slice(0, 4096));
    expect((await read(node, handle, 4096, 126_976)).length).toBe(126_976);
    expect(requests()).toEqual([]);
    expect((await read(node, handle, 131_072, 4096)).length).toBe(4096);
    expect(requests()).toEqual(['Tread']);
    // The kernel has it by now.
    await open(node);
    expect(requests()).toEqual(['Twalk', 'Tlopen', 'Tgetattr']);
  });

  test('its beginning goes into the page cache, once, where that takes it', async () => {
    takes = true;
    const node = await lookup('file');
    const handle = await open(node);
    expect(stored).toEqual([{ node, offset: 0, contents: CONTENTS.slice(0, 131_072) }]);
    expect([...foresight.reads]).toEqual([['file', [{ offset: 0, size: 131_072 }]]]);
    await does(Opcode.RELEASE, { node, handle, releaseFlags: 0 });
    volume.spares.drop();
    await open(node);
    const directory = await lookup('directory');
    const deep = await lookup('deep', directory);
    await open(deep, LinuxOpen.RDWR);
    expect(stored).toHaveLength(1);
  });

  test('nothing goes there of what is open, was changed, or is written late', async () => {
    takes = true;
    const node = await lookup('file');
    const writer = await open(node, LinuxOpen.RDWR);
    await open(node);
    expect(stored).toEqual([]);
    await write(node, writer, 0, 'new');
    const changed = await mounted();
    const again = await lookup('file', ROOT_NODE, changed);
    await write(node, writer, 200_000, 'longer');
    changed.foreseen.drop();
    await does(Opcode.OPEN, { node: again, flags: 0 }, changed);
    expect(stored).toEqual([]);
    const loose = await mounted(CACHE_MODES.loose);
    const late = await lookup('file', ROOT_NODE, loose);
    await does(Opcode.OPEN, { node: late, flags: 0 }, loose);
    expect(stored).toEqual([]);
  });

  test('who only reads is not asked for when he closes, and has his locks until then', async () => {
    const flagsOf = async (node: number, flags: number) =>
      (await does(Opcode.OPEN, { node, flags })).readUInt32LE(8);
    const node = await lookup('file');
    const { NOFLUSH } = OpenReplyFlag;
    expect((await flagsOf(node, LinuxOpen.RDONLY)) & NOFLUSH).toBe(NOFLUSH);
    expect((await flagsOf(node, LinuxOpen.RDWR)) & NOFLUSH).toBe(0);
    const lock = (handle: number, owner: number, type: number) =>
      does(Opcode.SETLK, {
        ...{ node, handle, owner, flags: 0 },
        lock: { start: 0, end: 9, type, pid: owner },
      });
    const [reader, writer] = [await open(node), await open(node, LinuxOpen.RDWR)];
    await lock(reader, 1, FuseLockType.READ);
    await expect(lock(writer, 2, FuseLockType.WRITE)).rejects.toThrow('in the way');
    await does(Opcode.RELEASE, { node, handle: reader, releaseFlags: 0 });
    await lock(writer, 2, FuseLockType.WRITE);
    // The server is gone, and with it the lock.
    client.destroy();
    await does(Opcode.RELEASE, { node, handle: writer, releaseFlags: 0 });
    expect(() => volume.handles.get(writer)).toThrow('no such open file');
  });

  test('what was read ahead is not what was written since', async () => {
    const node = await lookup('file');
    const reader = await open(node);
    const writer = await open(node, LinuxOpen.RDWR);
    await write(node, writer, 0, 'new');
    expect((await read(node, reader, 0, 5)).toString()).toBe('newxx');
  });

  test('attributes that were just told are not asked for again, unless something changed', async () => {
    const node = await lookup('file');
    requests();
    await does(Opcode.GETATTR, { node });
    expect(requests()).toEqual([]);
    const mode = { valid: SetattrValid.MODE, mode: 0o600 };
    await does(Opcode.SETATTR, { node, ...mode });
    requests();
    const told = await does(Opcode.GETATTR, { node });
    expect(requests()).toEqual(['Tgetattr']);
    // fuse_attr_out: 16 bytes, then the mode as the 11th word of fuse_attr.
    expect(told.readUInt32LE(16 + 60) & 0o777).toBe(0o600);
  });

  test('the root’s attributes are told with the mount', async () => {
    const second = await mounted();
    requests();
    await does(Opcode.GETATTR, { node: ROOT_NODE }, second);
    expect(requests()).toEqual([]);
    await does(Opcode.MKDIR, { name: 'made', mode: 0o755 }, second);
    requests();
    await does(Opcode.GETATTR, { node: ROOT_NODE }, second);
    expect(requests()).toEqual(['Tgetattr']);
  });

  test('where a link leads is told with the link', async () => {
    const node = await lookup('link');
    requests();
    expect((await does(Opcode.READLINK, { node })).toString()).toBe('file');
    expect(requests()).toEqual([]);
  });

  test('a directory is opened when it is read', async () => {
    const node = await lookup('directory');
    requests();
    const opened = await does(Opcode.OPENDIR, { node, flags: 0 });
    const handle = Number(opened.readBigUInt64LE(0));
    expect(requests()).toEqual([]);
    const listed = await does(Opcode.READDIR, { node, handle, offset: 0, size: 4096 });
    expect(listed.toString('latin1')).toContain('deep');
    expect(requests()).toEqual(['Twalk', 'Tlopen', 'Treaddir']);
    await does(Opcode.RELEASEDIR, { node, handle });
    expect(volume.handles.size).toBe(0);
  });

  test('a listing begins with names alone, until they are looked up', async () => {
    const root = volume.nodes.root.fid!;
    for (let index = 0; index < 20; index++) {
      await volume.remote.mkdir(root, `d${index}`, 0o755, undefined, {});
    }
    const list = async () => {
      const opened = await does(Opcode.OPENDIR, { flags: 0 });
      const handle = Number(opened.readBigUInt64LE(0));
      await does(Opcode.READDIRPLUS, { handle, offset: 0, size: 65_536 });
    };
    requests();
    await list();
    expect(requests().filter((name) => name === 'Tgetattr')).toEqual([]);
    for (let index = 0; index < 10; index++) await lookup(`d${index}`);
    requests();
    await list();
    expect(requests().filter((name) => name === 'Tgetattr')).toHaveLength(23);
  });

  describe('on a way that was gone before', () => {
    let later: number;
    let directory: number;
    const settled = () => volume.remote.statfs(volume.nodes.root.fid!, {});

    beforeEach(async () => {
      later = 0;
      const now = performance.now.bind(performance);
      vi.spyOn(performance, 'now').mockImplementation(() => now() + later);
      directory = await lookup('directory');
      await lookup('deep', directory);
      requests();
    });
    afterEach(() => vi.restoreAllMocks());

    test('nothing more is asked for while the kernel has it', async () => {
      await lookup('directory');
      expect(requests()).toEqual(['Twalk', 'Tgetattr', 'Treadlink']);
    });

    test('all of it is asked for at once when it is gone again', async () => {
      later = 1500;
      await lookup('directory');
      await settled();
      expect(requests().filter((name) => name === 'Twalk')).toHaveLength(2);
      const deep = await lookup('deep', directory);
      expect(volume.nodes.get(deep).place?.name).toBe('deep');
      expect(requests()).toEqual([]);
    });

    test('what was told before a change is not believed, nor what nobody wants kept', async () => {
      later = 1500;
      await lookup('directory');
      await does(Opcode.UNLINK, { node: directory, name: 'deep' });
      await expect(volume.look(volume.nodes.get(directory), 'deep', signal)).rejects.toThrow();
      await settled();
      requests();
      later = 3000;
      await does(Opcode.MKDIR, { node: directory, name: 'deep', mode: 0o755 });
      await lookup('directory');
      volume.foreseen.drop();
      await settled();
      expect(requests()).toContain('Tclunk');
      expect(await lookup('deep', directory)).toBeGreaterThan(0);
    });

    test('ways that are long are asked for in part', async () => {
      let node = directory;
      for (let depth = 0; depth < 12; depth++) {
        await does(Opcode.MKDIR, { node, name: 'd', mode: 0o755 });
        node = await lookup('d', node);
      }
      requests();
      later = 1500;
      await lookup('directory');
      await settled();
      expect(requests().filter((name) => name === 'Twalk')).toHaveLength(1 + 8);
    });
  });

  describe('for files that are read in the order of their listing', () => {
    const FILES = 40;
    /** Numbers of the files as they were listed, in several answers. */
    let nodes: number[];

    beforeEach(async () => {
      const root = volume.nodes.root.fid!;
      for (let index = 0; index < FILES; index++) {
        const fid = await root.walk([]);
        await volume.remote.create(fid, `f${index}`, LinuxOpen.RDWR, 0o644, undefined, {});
        await fid.write(0, Buffer.from(`contents ${index}`));
        await fid.clunk();
      }
      // As if names had been looked up before: the listing then tells of the files.
      volume.listings.listed(16);
      for (let index = 0; index < 16; index++) volume.listings.lookedUp();
      const opened = await does(Opcode.OPENDIR, { flags: 0 });
      const handle = Number(opened.readBigUInt64LE(0));
      nodes = [];
      for (let offset = 0; ; ) {
        const listing = await does(Opcode.READDIRPLUS, { handle, offset, size: 2000 });
        if (listing.length === 0) break;
        for (const { node, next } of entriesOf(listing)) {
          if (volume.nodes.get(node).qid.type === 0) nodes.push(node);
          offset = next;
        }
      }
      await does(Opcode.RELEASEDIR, { handle });
      expect(nodes).toHaveLength(FILES + 1);
      requests();
    });

    const readAll = async (node: number) => {
      const handle = await open(node);
      const contents = await read(node, handle, 0, 4096);
      await does(Opcode.RELEASE, { node, handle, releaseFlags: 0 });
      return contents.toString();
    };
    /** Lets the server answer all that it was asked. */
    const settled = () => volume.remote.statfs(volume.nodes.root.fid!, {});
    const opened = () => requests().filter((name) => name === 'Tlopen').length;

    test('each is asked for once, and sooner or later before it is wanted', async () => {
      const read: string[] = [];
      for (const node of nodes.slice(0, -16)) {
        read.push(await readAll(node));
        await settled();
      }
      expect(opened()).toBe(nodes.length);
      for (const node of nodes.slice(-16)) read.push(await readAll(node));
      expect(opened()).toBe(0);
      const numbers = read
        .filter((text) => text.startsWith('contents'))
        .map((text) => text.slice(9));
      expect(new Set(numbers).size).toBe(FILES);
    });

    test('none is asked for before for who reads here and there', async () => {
      for (let index = 0; index < nodes.length; index += 2) await readAll(nodes[index]!);
      volume.spares.drop();
      for (const node of nodes.slice(0, 2)) await readAll(node);
      expect(opened()).toBe(Math.ceil(nodes.length / 2) + 2);
    });

    test('what was read before it was changed is not told', async () => {
      for (const node of nodes.slice(0, 6)) await readAll(node);
      await settled();
      const next = volume.nodes.get(nodes[6]!);
      const writer = await open(next.id, LinuxOpen.RDWR);
      await write(next.id, writer, 0, 'changed! ');
      await does(Opcode.RELEASE, { node: next.id, handle: writer, releaseFlags: 0 });
      expect(await readAll(next.id)).toMatch(/^changed! /);
      expect(volume.handles.size).toBe(0);
    });

    test('none is asked for before where nothing counts for longer than its answer', async () => {
      const none = await mounted(CACHE_MODES.none);
      const files: number[] = [];
      for (let index = 0; index < 6; index++) {
        const node = await lookup(`f${index}`, ROOT_NODE, none);
        if (index > 0) none.nodes.get(files.at(-1)!).follower = none.nodes.get(node);
        files.push(node);
      }
      requests();
      for (const node of files.slice(0, 4)) await does(Opcode.OPEN, { node, flags: 0 }, none);
      await settled();
      expect(opened()).toBe(4);
    });

    test('a file that the kernel forgot leads to no other', () => {
      const [first, second] = nodes.map((node) => volume.nodes.get(node));
      expect(first!.follower).toBe(second);
      volume.nodes.forget(first!.id, 1);
      expect(first!.follower).toBeUndefined();
    });

    test('what nobody takes is let go of', async () => {
      for (const node of nodes.slice(0, 6)) await readAll(node);
      await settled();
      requests();
      volume.reading.drop();
      await settled();
      await settled();
      expect(requests().filter((name) => name === 'Tclunk')).toHaveLength(5);
      expect(await readAll(nodes[6]!)).toMatch(/^contents/);
      expect(opened()).toBeGreaterThan(0);
    });
  });

  describe('in a tree just mounted', () => {
    const reopen = async (on: Volume, between: () => unknown = () => {}) => {
      const node = await lookup('file', ROOT_NODE, on);
      const close = (handle: number) => does(Opcode.RELEASE, { node, handle, releaseFlags: 0 }, on);
      const opened = async (flags = 0) =>
        Number((await does(Opcode.OPEN, { node, flags }, on)).readBigUInt64LE(0));
      await close(await opened());
      await between();
      requests();
      const handle = await opened();
      const asked = requests();
      const read = await does(
        Opcode.READ,
        { node, handle, offset: 150_000, size: 4096, lockOwner: 0, flags: 0 },
        on,
      );
      expect(read.length).toBe(4096);
      await close(handle);
      return asked;
    };

    test('a file that was open until just now is opened without asking', async () => {
      const second = await mounted();
      expect(await reopen(second)).toEqual([]);
      second.spares.drop();
      await second.remote.statfs(second.nodes.root.fid!, {});
      expect(requests()).toContain('Tclunk');
    });

    test('it is asked for again once something changed, or to be written', async () => {
      const changed = await mounted();
      const removal = () => does(Opcode.UNLINK, { name: 'link' }, changed);
      expect(await reopen(changed, removal)).toContain('Tlopen');
      const other = await mounted();
      const node = await lookup('file', ROOT_NODE, other);
      const first = await does(Opcode.OPEN, { node, flags: 0 }, other);
      const handle = Number(first.readBigUInt64LE(0));
      await does(Opcode.RELEASE, { node, handle, releaseFlags: 0 }, other);
      requests();
      await does(Opcode.OPEN, { node, flags: LinuxOpen.RDWR }, other);
      expect(requests()).toContain('Tlopen');
      other.spares.drop();
    });

    test('it is nobody’s once the server is gone', async () => {
      const second = await mounted();
      const node = await lookup('file', ROOT_NODE, second);
      const opened = await does(Opcode.OPEN, { node, flags: 0 }, second);
      const handle = Number(opened.readBigUInt64LE(0));
      await does(Opcode.RELEASE, { node, handle, releaseFlags: 0 }, second);
      client.destroy();
      await expect(does(Opcode.OPEN, { node, flags: 0 }, second)).rejects.toThrow();
    });

    test('it is asked for again where the kernel may believe nothing', async () => {
      const careful = await mounted(CACHE_MODES.none);
      expect(await reopen(careful)).toContain('Tlopen');
    });
  });

  describe('of a second mount', () => {
    const walk = async (on: Volume) => {
      const directory = await lookup('directory', ROOT_NODE, on);
      await lookup('deep', directory, on);
      await lookup('none', directory, on);
    };

    test('are made ahead for what the first looked up', async () => {
      await walk(volume);
      const second = await mounted();
      // Answered in order, so after all that was asked for ahead.
      await second.remote.statfs(second.nodes.root.fid!, {});
      requests();
      await walk(second);
      await lookup('file', ROOT_NODE, second);
      expect(requests()).toEqual(['Twalk', 'Tgetattr', 'Treadlink']);
      expect(second.nodes.size).toBe(4);
    });

    test('ask where the links lead that the first followed, and nobody else', async () => {
      const follow = async (on: Volume) => {
        await lookup('file', ROOT_NODE, on);
        const node = await lookup('link', ROOT_NODE, on);
        return (await does(Opcode.READLINK, { node }, on)).toString();
      };
      await follow(volume);
      requests();
      const second = await mounted();
      await second.remote.statfs(second.nodes.root.fid!, {});
      const counts = requests();
      expect(counts.filter((name) => name === 'Twalk')).toHaveLength(2);
      expect(counts.filter((name) => name === 'Treadlink')).toHaveLength(1);
      expect(await follow(second)).toBe('file');
      expect(requests()).toEqual([]);
    });

    test('open and read what the first read', async () => {
      const node = await lookup('file');
      const handle = await open(node);
      await read(node, handle, 0, 4096);
      await read(node, handle, 150_000, 10_000);
      const second = await mounted();
      await second.remote.statfs(second.nodes.root.fid!, {});
      requests();
      const again = await lookup('file', ROOT_NODE, second);
      const opened = await does(Opcode.OPEN, { node: again, flags: 0 }, second);
      const late = { node: again, handle: Number(opened.readBigUInt64LE(0)) };
      const start = await does(Opcode.READ, { ...late, offset: 0, size: 4096 }, second);
      const part = await does(Opcode.READ, { ...late, offset: 150_000, size: 10_000 }, second);
      expect([start.length, part.length]).toEqual([4096, 10_000]);
      expect(requests()).toEqual([]);
      await does(Opcode.READ, { ...late, offset: 20_000, size: 10 }, second);
      expect(requests()).toEqual(['Tread']);
    });

    test('count no more once something changed', async () => {
      await walk(volume);
      const second = await mounted();
      await does(Opcode.UNLINK, { name: 'link' }, second);
      requests();
      await walk(second);
      expect(requests().filter((name) => name === 'Twalk')).toHaveLength(3);
    });

    test('are at most so many', () => {
      const watch = foresight.watch();
      for (let index = 0; index < 1000; index++) {
        watch.lookedUp(`name-${index}`);
        watch.read(`name-${index % 10}`, { offset: index * 10, size: 4 });
        watch.read('large', { offset: index * 1e6, size: 1e6 });
      }
      expect(foresight.paths).toHaveLength(128);
      expect(foresight.paths.at(-1)).toBe('name-999');
      const ranges = [...foresight.reads.values()];
      expect(Math.max(...ranges.map((parts) => parts.length))).toBe(8);
      const bytes = ranges.flat().reduce((sum, { size }) => sum + size, 0);
      expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
      for (let index = 0; index < 40; index++) watch.read(`other-${index}`, { offset: 0, size: 1 });
      expect(foresight.reads.size).toBe(16);
    });

    test('go into the page cache, in whole pages or to the end', async () => {
      const node = await lookup('file');
      const handle = await open(node);
      const pages = { offset: 151_552, size: 8192 };
      const end = { offset: 196_608, size: 4096 };
      for (const range of [pages, end]) await read(node, handle, range.offset, range.size);
      takes = true;
      const second = await mounted();
      const again = await lookup('file', ROOT_NODE, second);
      await does(Opcode.OPEN, { node: again, flags: 0 }, second);
      const ranges = stored.map(({ offset, contents }) => ({ offset, size: contents.length }));
      expect(ranges).toEqual([pages, { ...end, size: CONTENTS.length - end.offset }]);
      const third = await mounted();
      stored = [];
      await read(node, handle, 5, 10);
      const other = await lookup('file', ROOT_NODE, third);
      await does(Opcode.OPEN, { node: other, flags: 0 }, third);
      expect(stored).toHaveLength(2);
    });

    test('are not learned from what is looked up later', () => {
      let now = 0;
      const watch = foresight.watch(() => now);
      watch.lookedUp('early');
      now = 2000;
      watch.lookedUp('late');
      watch.read('late', { offset: 0, size: 1 });
      expect([foresight.paths, foresight.reads.size]).toEqual([['early'], 0]);
    });
  });
});

/** Of fuse_direntplus: fuse_entry_out of 128 bytes, ino, off, namelen, type and the name, padded to eight bytes. */
function* entriesOf(listing: Buffer): Generator<{ node: number; next: number }> {
  for (let at = 0; at < listing.length; ) {
    const node = Number(listing.readBigUInt64LE(at));
    const next = Number(listing.readBigUInt64LE(at + 136));
    if (node !== 0) yield { node, next };
    at += (152 + listing.readUInt32LE(at + 144) + 7) & ~7;
  }
}

function nameOf(type: number): string {
  return Object.entries(MessageType).find(([, value]) => value === type)?.[0] ?? String(type);
}
