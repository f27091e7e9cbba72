import { DuplexTransport, NinePError } from '@xcpu/9p-protocol';
import { attach, Client } from '@xcpu/9p-protocol/client';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { describe, expect, it } from 'vitest';
import { type FileChannel, run } from '../src/index.js';
import type { FakeIo, FakeProgram } from './fake-node.js';
import { alice, collect, fakeNode, until } from './support.js';

const PEER = { address: 'client', group: 'client' };

/** Prints a file of the client's. */
const cat: FakeProgram = async ({ term, stdout }) => {
  const { file } = await mountTerm(term);
  await stdout.write(await file.read(0, 100));
  return { exitCode: 0 };
};

describe('a job that is served files', () => {
  it('reads them on each node, and is told where they are', async () => {
    const nodes = [
      await fakeNode({ programs: { cat } }),
      await fakeNode({ programs: { cat } }, 'n2'),
    ];
    const { files, channels } = serving((node) => `for ${node}`);
    const targets = nodes.map(({ target }) => target);
    const { output, results } = await collect(await run(targets, ['cat'], { login: alice, files }));
    expect(results.map(({ status }) => status)).toEqual([{ exitCode: 0 }, { exitCode: 0 }]);
    expect(output).toEqual({ '1 stdout': 'for n1', '2 stdout': 'for n2' });
    expect(nodes[0]!.texts('ctl')[0]).toMatch(/ XCPUTSADDR=session!term /);
    const groups = [{ name: 'x', gid: 100 }];
    expect(channels[0]!.owner).toEqual({ user: 'x', uid: 1001, group: 'x', gid: 100, groups });
    expect(channels[0]!.limits.msize).toBe(nodes[0]!.server.limits.msize - 24);
  });

  it.each([
    ['x:100\ncrew:7\nstaff:8\n', ['x 100', 'crew 7', 'staff 8']],
    ['crew:7\nx:100\nno number\n', ['x 100']],
    [`crew:7\n${'a'.repeat(250)}:8\n`.repeat(1000), expect.arrayContaining(['x 100', 'crew 7'])],
  ])('learns the groups of the user: %.30j', async (groups, names) => {
    const node = await fakeNode({ programs: { cat }, groups });
    const { files, channels } = serving();
    await collect(await run([node.target], ['cat'], { login: alice, files }));
    expect(channels[0]!.owner.groups.map(({ name, gid }) => `${name} ${gid}`)).toEqual(names);
    expect(channels[0]!.owner.groups.length).toBeLessThan(1000);
  });

  it('ends the conversation with the session', async () => {
    const node = await fakeNode({ programs: { cat } });
    let closed = 0;
    const files = ({ transport, limits }: FileChannel) => {
      new Server(serveTree({ file: 'x' }), { limits, closed: () => closed++ }).accept(transport);
    };
    await collect(await run([node.target], ['cat'], { login: alice, files }));
    await until(() => closed === 1);
  });

  it('fails on a legacy node before anything ran', async () => {
    const node = await fakeNode({ legacy: true, programs: { cat } });
    const { files, channels } = serving();
    const job = await run([node.target], ['cat'], { login: alice, files });
    const { results } = await collect(job);
    expect(results[0]!.error!.message).toBe(
      'n1: a legacy node, which cannot reach your files this way: -l runs what is there, --legacy-export offers them on a port',
    );
    expect([channels.length, node.written.length, node.sessions.size]).toEqual([0, 0, 0]);
  });

  it('fails on a node that has no term, naming it', async () => {
    const node = await fakeNode({ noTerm: true, programs: { cat } });
    const { files, channels } = serving();
    const job = await run([node.target], ['cat'], { login: alice, files });
    const { results } = await collect(job);
    expect(results[0]!.error!.message).toBe(
      "n1: the node's xcpufs has no file term; it is older than these tools and cannot reach your files: run what is there, with -l",
    );
    expect(channels).toEqual([]);
  });

  it('tells what the one who serves them threw', async () => {
    const node = await fakeNode({ programs: { cat } });
    const files = () => {
      throw new NinePError('no such directory');
    };
    const job = await run([node.target], ['cat'], { login: alice, files });
    expect((await collect(job)).results[0]!.error!.message).toBe('n1: no such directory');
  });

  it('reads them while nobody takes its output', async () => {
    let reads = 0;
    let written = 0;
    const busy: FakeProgram = async ({ term, stdout, stderr }) => {
      const { file } = await mountTerm(term);
      const pour = async (stream: FakeIo['stdout']) => {
        while (await stream.write(Buffer.alloc(65_536))) written += 65_536;
      };
      void pour(stdout);
      void pour(stderr);
      for (; reads < 2_000; reads++) await file.read(0, 100);
      return { exitCode: 0 };
    };
    const node = await fakeNode({ programs: { busy } });
    const { files } = serving();
    let taken = 0;
    const sink = (event: { readonly type: string }) => {
      if (event.type !== 'output') return;
      taken++;
      return new Promise<void>(() => {});
    };
    const job = await run([node.target], ['busy'], { login: alice, files, sink });
    await until(() => reads === 2_000);
    expect(taken).toBeGreaterThan(0);
    // What is asked for ahead and what a stream holds, of each stream.
    expect(written).toBeLessThan(2 * (3 + 3) * 64 * 1024);
    job.result.catch(() => {});
    await job.wipe();
  });
});

/** Serves one file; its text is made of the node's name. */
function serving(text = (_node: string) => 'text') {
  const channels: FileChannel[] = [];
  const files = (channel: FileChannel) => {
    channels.push(channel);
    const { transport, limits, target } = channel;
    new Server(serveTree({ file: text(target.name) }), { limits }).accept(transport);
  };
  return { files, channels };
}

async function mountTerm(term: FakeIo['term']) {
  const client = await Client.connect(new DuplexTransport(term, PEER));
  const root = await attach(client, { uname: 'alice' });
  return { client, file: await root.walkOpen('file', 0) };
}
