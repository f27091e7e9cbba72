import { NinePError } from '@xcpu/9p-protocol';
import { formatArgv } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import { jobExitStatus, run, UsageError } from '../../src/index.js';
import type { FakeNode, FakeProgram } from '../fake-node.js';
import { alice, append, collect, fakeNode, until } from '../support.js';

const hello: FakeProgram = async ({ stdout, stderr, argv }) => {
  await stdout.write(`out ${argv}\n`);
  await stderr.write('err');
  return { exitCode: 3 };
};
const cat: FakeProgram = async ({ stdin, stdout }) => {
  for (;;) {
    const data = await stdin.read(1 << 20);
    if (data.length === 0) return { exitCode: 0 };
    await stdout.write(data);
  }
};
const count: FakeProgram = async ({ stdin, stdout }) => {
  await stdout.write(`${(await stdin.all()).length}`);
  return { exitCode: 0 };
};
const sleep: FakeProgram = async ({ signalled }) => ({ signal: await signalled });
/** The program runs, and was told that no input comes. */
const started = (node: FakeNode) => until(() => node.texts('ctl').join('').includes('close stdin'));
const stuck: FakeProgram = () => new Promise(() => {});

async function* input(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

describe.each([
  { kind: 'our node', legacy: false },
  { kind: 'legacy node', legacy: true },
])('a job on $kind', ({ legacy }) => {
  it('delivers output, errors and the status', async () => {
    const node = await fakeNode({ legacy, programs: { hello } });
    const job = await run([node.target], ['hello', 'a b', ''], { login: alice });
    expect(await collect(job)).toEqual({
      output: { '1 stdout': "out hello 'a b' ''\n", '1 stderr': 'err' },
      results: [{ rank: 1, node: 'n1', status: { exitCode: 3 } }],
    });
    expect(node.sessions.size).toBe(0);
  });

  it('feeds the same input to all programs', async () => {
    const nodes = await Promise.all(
      [1, 2, 3].map((n) => fakeNode({ legacy, programs: { cat } }, `n${n}`)),
    );
    const targets = nodes.map(({ target }) => target);
    const job = await run(targets, ['cat'], { login: alice, stdin: input('one ', 'two') });
    const { output, results } = await collect(job);
    expect(output).toEqual({ '1 stdout': 'one two', '2 stdout': 'one two', '3 stdout': 'one two' });
    expect(jobExitStatus(results)).toBe(0);
  });

  it('forwards signals', async () => {
    const node = await fakeNode({ legacy, programs: { sleep } });
    const job = await run([node.target], ['sleep'], { login: alice });
    const collected = collect(job);
    await started(node);
    await job.signal(15);
    const { results } = await collected;
    expect(results).toEqual([{ rank: 1, node: 'n1', status: { signal: 15 } }]);
    expect(jobExitStatus(results)).toBe(143);
    expect(node.texts('ctl').at(-1)).toBe('signal 15\n');
  });

  it('wipes the sessions when asked to', async () => {
    const node = await fakeNode({ legacy, programs: { stuck } });
    const job = await run([node.target], ['stuck'], { login: alice });
    const collected = collect(job);
    await started(node);
    await job.wipe();
    const { results } = await collected;
    expect(results[0]?.error).toMatchObject({ kind: 'cancelled', node: 'n1' });
    expect(node.texts('ctl').at(-1)).toBe('wipe\n');
    expect(node.sessions.size).toBe(0);
  });
});

describe('tells a node what to run', () => {
  const options = { login: alice, jobid: 'myjob', cwd: '/some dir' };
  const addressIn = (text: string | undefined) => /XCPUCLADDR=(127\.0\.0\.1!\d+)/.exec(text!)![1];

  it('in one write, with the command that runs it', async () => {
    const node = await fakeNode({ programs: { hello } });
    await collect(await run([node.target], ['hello', "it's"], options));
    const [ctl] = node.texts('ctl');
    const address = addressIn(ctl);
    const place = `XCPUARCHDIR= XCPUCLADDR=${address} XCPUTSADDR=${address}`;
    const env = `env ${place} XCPU_RANK=1 XCPU_SIZE=1 XCPU_NODELIST=n1`;
    const program = ["argv hello 'it''s'", "ns 'cd ''/some dir'''", 'exec hello'];
    const lines = ['id myjob/1', env, ...program, 'close stdin'];
    expect(node.texts('ctl')).toEqual([`${lines.join('\n')}\n`]);
    expect(node.written.filter(({ file }) => file !== 'ctl')).toEqual([]);
  });

  it.each([
    { what: 'a newline', argument: 'two\nlines' },
    { what: 'more than a command may be long', argument: 'x'.repeat(70_000) },
  ])('in files where there is $what', async ({ argument }) => {
    const node = await fakeNode({ programs: { hello } });
    await collect(await run([node.target], ['hello', argument], options));
    expect(node.texts('argv')).toEqual([formatArgv(['hello', argument])]);
    expect(node.texts('ns')).toEqual(["cd '/some dir'\n"]);
    expect(node.texts('env')).toHaveLength(1);
    expect(node.texts('ctl')).toEqual(['id myjob/1\nexec hello\nclose stdin\n']);
  });

  it('in files if it is a legacy one', async () => {
    const node = await fakeNode({ legacy: true, programs: { hello } });
    await collect(await run([node.target], ['hello', "it's"], options));
    const [env] = node.texts('env');
    const address = addressIn(env);
    expect(env).toBe(
      `\nXCPUARCHDIR=\nXCPUCLADDR=${address}\nXCPUTSADDR=${address}\nXCPU_RANK=1\nXCPU_SIZE=1\nXCPU_NODELIST=n1\n`,
    );
    expect(node.texts('argv')).toEqual(["hello 'it''s'"]);
    expect(node.texts('ns')[0]!.replace(/ +/, ' ')).toBe("cd '/some dir'\n");
    expect(node.texts('ns')[0]!.length).toBeGreaterThanOrEqual(1004);
    expect(node.texts('ctl')).toEqual(['id myjob/1\nexec hello\n', 'close stdin\n']);
    const modes = Object.fromEntries(node.written.map(({ file, mode }) => [file, mode]));
    expect(modes).toEqual({ env: 0x81, argv: 0x11, ns: 0x11, ctl: 1 });
  });
});

it('sends a legacy node one request about a fid at a time, and ours as many as it can', async () => {
  const much: FakeProgram = async ({ stdout, signalled }) => {
    for (let n = 0; n < 50; n++) await stdout.write(Buffer.alloc(32_768));
    return { signal: await signalled };
  };
  const overtaking = async (legacy: boolean) => {
    const node = await fakeNode({ legacy, programs: { much } });
    const job = await run([node.target], ['much'], { login: alice, stdin: input('a', 'b') });
    const collected = collect(job);
    await started(node);
    await job.signal(1);
    await collected;
    return node.overtaking;
  };
  expect(await overtaking(true)).toBe(0);
  expect(await overtaking(false)).toBeGreaterThan(10);
});

it('writes nothing into the emptied namespace of our node, and the root directory into that of a legacy one', async () => {
  const ours = await fakeNode({ programs: { hello } });
  const legacy = await fakeNode({ programs: { hello }, legacy: true }, 'n2');
  await collect(await run([ours.target, legacy.target], ['hello'], { login: alice }));
  expect(ours.texts('ns')).toEqual([]);
  expect(legacy.texts('ns')).toEqual([`cd${' '.repeat(1000)}/\n`]);
});

it('runs on where one node is down, and says which', async () => {
  const node = await fakeNode({ programs: { hello } });
  const down = { name: 'n9', host: '127.0.0.1', port: 1 };
  const job = await run([down, node.target], ['hello'], { login: alice });
  const { output, results } = await collect(job);
  expect(output['2 stderr']).toBe('err');
  expect(results[0]?.error?.message).toBe(
    'n9: connection refused (127.0.0.1!1): is xcpufs running there?',
  );
  expect(results[1]?.status).toEqual({ exitCode: 3 });
  expect(jobExitStatus(results)).toBe(254);
});

it('notices a node that goes away', async () => {
  const node = await fakeNode({ programs: { stuck } });
  const job = await run([node.target], ['stuck'], { login: alice });
  const collected = collect(job);
  await started(node);
  node.server.close();
  const { results } = await collected;
  expect(results[0]?.error).toMatchObject({ kind: 'lost', node: 'n1' });
  expect(jobExitStatus(results)).toBe(254);
});

it('holds up no reader of the input for one that takes none', async () => {
  const stops = await fakeNode({ programs: { count: stuck } }, 'n1');
  const goes = await fakeNode({ programs: { count } }, 'n2');
  const bytes = 24 * 1024 * 1024;
  async function* much() {
    for (let sent = 0; sent < bytes; sent += 65_536) yield Buffer.alloc(65_536, 'x');
  }
  const output: Record<string, string> = {};
  const job = await run([stops.target, goes.target], ['count'], {
    login: alice,
    stdin: much(),
    sink: (event) => {
      append(output, event);
      if (event.type === 'exit') void job.wipe();
    },
  });
  const [first, second] = await job.result;
  expect(output).toEqual({ '2 stdout': String(bytes) });
  expect(second?.status).toEqual({ exitCode: 0 });
  expect(first?.error?.kind).toBe('cancelled');
});

it('reads no output that nobody takes', async () => {
  let written = 0;
  const flood: FakeProgram = async ({ stdout }) => {
    while (await stdout.write(Buffer.alloc(32_768))) written += 32_768;
    return { exitCode: 0 };
  };
  const node = await fakeNode({ programs: { flood } });
  let release = () => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  let events = 0;
  const job = await run([node.target], ['flood'], {
    login: alice,
    sink: () => {
      events++;
      return blocked;
    },
  });
  await until(() => events === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(events).toBe(1);
  expect(written).toBeLessThan(4 * 1024 * 1024);
  const wiped = job.wipe();
  release();
  await wiped;
  await job.result;
});

it('ends programs when their time is over', async () => {
  const node = await fakeNode({ programs: { stuck } });
  const job = await run([node.target], ['stuck'], { login: alice, timeout: 50 });
  const { results } = await collect(job);
  expect(results[0]?.error?.message).toBe('n1: still running after 0.05 s, ended');
  expect(jobExitStatus(results)).toBe(124);
  expect(node.sessions.size).toBe(0);
});

it('does not start a program after a signal', async () => {
  const node = await fakeNode({ programs: { hello } });
  const job = await run([node.target], ['hello'], { login: alice });
  await job.signal(2);
  const { results } = await collect(job);
  expect(results[0]?.status).toEqual({ signal: 2 });
  expect(node.texts('ctl')).toEqual([]);
});

it('wipes the sessions when the iteration is left', async () => {
  const flood: FakeProgram = async ({ stdout }) => {
    while (await stdout.write('y\n'));
    return { exitCode: 0 };
  };
  const node = await fakeNode({ programs: { flood } });
  const job = await run([node.target], ['flood'], { login: alice });
  for await (const _ of job) break;
  expect((await job.result)[0]?.error?.kind).toBe('cancelled');
  expect(node.sessions.size).toBe(0);
});

it('throws the reason of an AbortSignal and leaves nothing behind', async () => {
  const node = await fakeNode({ programs: { stuck } });
  const controller = new AbortController();
  const job = await run([node.target], ['stuck'], { login: alice, signal: controller.signal });
  const collected = collect(job);
  await started(node);
  controller.abort(new Error('enough'));
  await expect(collected).rejects.toThrow('enough');
  expect(node.sessions.size).toBe(0);
});

it('ends with what the sink threw', async () => {
  const node = await fakeNode({ programs: { hello } });
  const sink = () => {
    throw new Error('full');
  };
  const job = await run([node.target], ['hello'], { login: alice, sink });
  await expect(job.result).rejects.toThrow('full');
});

it('tells a node that makes no session from one that is down', async () => {
  const node = await fakeNode({ programs: { hello } });
  node.makeSession = () => {
    throw new NinePError('permission denied', 1);
  };
  const { results } = await collect(await run([node.target], ['hello'], { login: alice }));
  expect(results[0]?.error?.message).toBe('n1: permission denied');
  expect(jobExitStatus(results)).toBe(125);
});

it.each([
  [[], {}],
  [[''], {}],
  [['a\nb'], {}],
  [['a', 'b\0'], {}],
  [['a'], { jobid: 'a/b' }],
  [['a'], { cwd: '/a\nb' }],
])('refuses to run %j with %j', async (argv, options) => {
  await expect(run('n1', argv, { login: alice, ...options })).rejects.toThrow(UsageError);
});
