import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FileSystem, mount } from '../../src/client/index.js';
import { serveDirectory } from '../../src/fs/index.js';
import { connectTcp, listenTcp, messageTransport, type Transport } from '../../src/index.js';
import { Server } from '../../src/server/index.js';

/** More than a server reads, or holds, of one connection at a time by default: each is asked for four times in pieces. */
const FILES = 8;
const MIB = 1024 * 1024;
const SIZE = 20 * MIB;

describe.each([
  ['TCP', overTcp],
  ['a MessagePort, which cannot be paused', overPort],
] as const)('large files over %s', (_, connect) => {
  it('are copied many at a time, there and back', async () => {
    const { directory, files } = await exported(connect);
    const [source, back] = [join(directory, 'source'), join(directory, 'back')];
    mkdirSync(source);
    for (let index = 0; index < FILES; index++) makeFile(join(source, `f${index}`), index);
    const all = { files: FILES, directories: 1, bytes: FILES * SIZE };
    expect(await files.copyIn(source, '/tree')).toMatchObject(all);
    expect(await files.copyOut('/tree', back)).toMatchObject(all);
    for (let index = 0; index < FILES; index++) {
      const same = readFileSync(join(back, `f${index}`)).equals(
        readFileSync(join(source, `f${index}`)),
      );
      expect(same).toBe(true);
    }
  }, 60_000);

  it('are read in many places at once', async () => {
    const { directory, files } = await exported(connect);
    makeFile(join(directory, 'export/big'), 7);
    const file = await files.open('big');
    const places = Array.from({ length: 64 }, (_, at) => at % (SIZE / MIB));
    const read = await Promise.all(places.map((at) => file.fid.read(at * MIB, MIB)));
    expect(read.map((data) => [data.length, Buffer.from(data).toString('utf8', 0, 6)])).toEqual(
      places.map((at) => [MIB, markOf(7, at)]),
    );
  }, 60_000);
});

type Connect = (server: Server) => Promise<Transport>;

async function exported(connect: Connect): Promise<{ directory: string; files: FileSystem }> {
  const directory = mkdtempSync(join(tmpdir(), 'parallel-'));
  mkdirSync(join(directory, 'export'));
  const served = serveDirectory(join(directory, 'export'));
  const files = await mount(await connect(new Server(served) as Server));
  onTestFinished(async () => {
    files.client.destroy();
    await served.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { directory, files };
}

async function overTcp(server: Server): Promise<Transport> {
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) =>
    server.accept(transport),
  );
  onTestFinished(() => listener.close());
  return connectTcp({ host: '127.0.0.1', port: Number(listener.address.split('!')[1]) });
}

async function overPort(server: Server): Promise<Transport> {
  const { port1, port2 } = new MessageChannel();
  server.accept(messageTransport(port1));
  return messageTransport(port2);
}

/** A file of holes with a mark in each MiB. */
function makeFile(path: string, number: number): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, SIZE);
  for (let at = 0; at < SIZE / MIB; at++) writeSync(fd, markOf(number, at), at * MIB);
  closeSync(fd);
}

function markOf(number: number, at: number): string {
  return `${number}.${String(at).padStart(4, '0')}`;
}
