import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, Transform } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DuplexTransport, MessageType } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server as FileServer } from '@xcpu/9p-protocol/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacksProgram } from '../fuse/support.js';
import { ALICE, BOB, Cluster } from '../support/cluster.js';
import { lacks, lacksMountNamespaces } from '../support/needs.js';
import { eventually } from '../support/wait.js';

const noFuse = () => lacks('/dev/fuse', readdirSync('/dev').includes('fuse'));
const PEER = { address: 'node', group: 'node' };

describe.skipIf(lacksMountNamespaces() || noFuse() || lacksProgram('gcc'))(
  'who mounts files of a server that does not answer',
  () => {
    let cluster: Cluster;
    let directory: string;

    beforeAll(async () => {
      cluster = await Cluster.start(1, { users: [ALICE, BOB] });
      directory = await mkdtemp(join(tmpdir(), 'xcpu-hostile-'));
      await chmod(directory, 0o755);
      const source = fileURLToPath(new URL('programs/stuck.c', import.meta.url));
      execFileSync('gcc', ['-static', '-o', join(directory, 'stuck'), source, '-lpthread']);
      await writeFile(join(directory, 'file'), Buffer.alloc(16_384));
    });
    afterAll(async () => {
      await cluster?.stop();
      await rm(directory, { recursive: true, force: true });
    });

    test('leaves nothing behind when his session ends', async () => {
      await using server = await listening((socket) => socket.resume());
      await using node = await cluster.user(ALICE);
      const session = await node.newSession();
      const imports = Array(8).fill(`import ${server.address} /mnt\n`).join('');
      await session.start(['/bin/true'], { ns: `unshare\n${imports}` });
      await eventually('all are about to be mounted', () => server.connections === 8);
      await session.close();
      await eventually('none is', () => server.connections === 0);
      const own = readdirSync(cluster.node.temporary).find((name) => name.startsWith('xcpufs-'))!;
      const stages = join(cluster.node.temporary, own, 'namespaces');
      await eventually('no place for them', () => readdirSync(stages).length === 0);
    });

    test('does not hold up the daemon by a process that nobody can look at', async () => {
      const files = new FileServer(serveDirectory(directory));
      await using server = await listening((socket) => {
        files.accept(new DuplexTransport(withoutWrites(socket), PEER));
      });
      await using node = await cluster.user(ALICE);
      const session = await node.newSession();
      const ns = `unshare\nimport ${server.address} /mnt\n`;
      await session.start([join(directory, 'stuck'), '/mnt/file'], { ns });
      const output = await session.open('stdout');
      expect((await output.read(0, 100)).toString()).toBe('stuck\n');
      await using other = await cluster.user(BOB);
      expect(await other.text('procs')).toContain('stuck');
      await session.ctl('wipe');
      await eventually('the session is over', () => server.connections === 0);
    });
  },
);

interface Listening extends AsyncDisposable {
  /** As `import` takes it. */
  readonly address: string;
  readonly connections: number;
}

async function listening(accept: (socket: Socket) => void): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    accept(socket);
  });
  await once(server.listen(0, '127.0.1.99'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.1.99!${port}`,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A conversation from which requests to write are lost. */
function withoutWrites(socket: Socket): Duplex {
  let held = Buffer.alloc(0);
  const readable = new Transform({
    transform(chunk: Buffer, _, done) {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 4 && held.length >= held.readUInt32LE(0)) {
        const message = held.subarray(0, held.readUInt32LE(0));
        held = held.subarray(message.length);
        if (message[4] !== MessageType.Twrite) this.push(message);
      }
      done();
    },
  });
  return Duplex.from({ readable: socket.pipe(readable), writable: socket });
}
