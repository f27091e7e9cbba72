import { SyntheticFile, snapshot } from '@xcpu/9p-protocol/server';
import { describe, expect, it, vi } from 'vitest';
import { attach, dial, jobExitStatus, Session, UsageError } from '../../src/index.js';
import type { FakeNode, FakeProgram } from '../fake-node.js';
import { alice, collect, fakeNode, until } from '../support.js';

const told: FakeProgram = async ({ stdout, signalled }) => {
  await stdout.write('ready\n');
  return { signal: await signalled };
};
const echo: FakeProgram = async ({ stdin, stdout }) => {
  await stdout.write(await stdin.all());
  return { exitCode: 4 };
};

/** Starts a rank of job `j`, and holds it as its own client would. */
async function begin(node: FakeNode, program: string, rank = 1): Promise<void> {
  const session = await Session.create(await dial(node.target, alice));
  const what = { argv: [program], rank, jobid: 'j', input: true };
  await session.prepare(what);
  await session.exec(what);
}

async function* input(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describe.each([
  { kind: 'our node', legacy: false },
  { kind: 'legacy node', legacy: true },
])('a job on $kind that is attached to', ({ legacy }) => {
  it('takes input, and tells its output and status', async () => {
    const node = await fakeNode({ legacy, programs: { echo } });
    await begin(node, 'echo');
    const job = await attach([node.target], 'j', { login: alice, stdin: input('a line') });
    expect(await collect(job)).toEqual({
      output: { '1 stdout': 'a line' },
      results: [{ rank: 1, node: 'n1', status: { exitCode: 4 } }],
    });
  });

  it('gets a signal that is sent at once', async () => {
    const node = await fakeNode({ legacy, programs: { told } });
    await begin(node, 'told');
    const job = await attach([node.target], 'j', { login: alice });
    await job.signal(15);
    const { results } = await collect(job);
    expect(results).toEqual([{ rank: 1, node: 'n1', status: { signal: 15 } }]);
    expect(node.texts('ctl')).toContain('signal 15\n');
  });

  it('goes on when it is left at once', async () => {
    const node = await fakeNode({ legacy, programs: { told } });
    await begin(node, 'told');
    const job = await attach([node.target], 'j', { login: alice });
    job.leave();
    const { results } = await collect(job);
    expect(results[0]?.error?.kind).toBe('cancelled');
    expect(node.sessions.size).toBe(1);
    // Whoever started it is there yet, and nobody else.
    await until(() => node.server.connections.size === 1);
  });
});

it('ends one connection with the last of its ranks', async () => {
  const node = await fakeNode({ programs: { told } });
  await begin(node, 'told', 1);
  await begin(node, 'told', 2);
  const job = await attach([node.target], 'j', { login: alice });
  const collected = collect(job);
  await until(() => node.server.connections.size === 3);
  await job.signal(2);
  const { results } = await collected;
  expect(results.map(({ rank, status }) => [rank, status])).toEqual([
    [1, { signal: 2 }],
    [2, { signal: 2 }],
  ]);
  await until(() => node.server.connections.size === 2);
});

it('takes the one rank that is named', async () => {
  const node = await fakeNode({ programs: { told } });
  await begin(node, 'told', 1);
  await begin(node, 'told', 2);
  const job = await attach([node.target], 'j/2', { login: alice });
  await job.signal(2);
  expect((await collect(job)).results.map(({ rank }) => rank)).toEqual([2]);
  expect(node.sessions.size).toBe(1);
});

it('is told when somebody wipes its session', async () => {
  const node = await fakeNode({ programs: { told } });
  await begin(node, 'told');
  const wait = new SyntheticFile<string>({ name: 'wait', mode: 0o444, uid: 'x', gid: 'x' });
  wait.open = () => snapshot('');
  for (const { directory } of node.sessions) directory.add(wait);
  const { results } = await collect(await attach([node.target], 'j', { login: alice }));
  expect(results[0]?.error).toMatchObject({
    kind: 'lost',
    message: 'n1: the session was wiped',
  });
});

it('says which node has nothing of the job', async () => {
  const node = await fakeNode({ programs: { told } });
  await begin(node, 'told');
  const { results } = await collect(await attach([node.target], 'other', { login: alice }));
  expect(results[0]).toMatchObject({ rank: 0, error: { kind: 'missing' } });
  expect(jobExitStatus(results)).toBe(1);
});

it('throws the reason of a signal that comes while nodes are searched, and lets go of them', async () => {
  const found = await fakeNode({ programs: { told } });
  await begin(found, 'told');
  const [session] = found.sessions;
  const looked = vi.spyOn(session!.directory, 'find');
  const silent = await fakeNode({}, 'n2');
  const asked = vi.spyOn(silent.makeSession().directory, 'find');
  asked.mockReturnValue(new Promise(() => {}));
  const controller = new AbortController();
  const attaching = attach([found.target, silent.target], 'j', {
    login: alice,
    signal: controller.signal,
  });
  const isOpened = () => looked.mock.calls.some(([name]) => name === 'stderr');
  await until(() => isOpened() && asked.mock.calls.length > 0);
  controller.abort(new Error('enough'));
  await expect(attaching).rejects.toThrow('enough');
  await until(() => found.server.connections.size === 1);
});

it.each(['', '/1', 'a/b', 'a(b'])('refuses to attach to %j', async (name) => {
  await expect(attach('n1', name, { login: alice })).rejects.toThrow(UsageError);
});
