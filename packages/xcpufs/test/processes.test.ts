import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseProcessList } from '@xcpu/xcpu-protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { processList } from '../src/processes.js';

describe('the process list', () => {
  it('is one that clients can read, this process in it', async () => {
    const list = parseProcessList(await processList([]));
    const own = list.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({
      ppid: process.ppid,
      euid: process.geteuid?.(),
      xcpusid: '',
      xcpujid: '',
    });
    expect(own!.rssize).toBeGreaterThan(1024 * 1024);
    expect(own!.etime).toBeGreaterThan(0);
    expect(new Set(list.map(({ pid }) => pid)).size).toBe(list.length);
  });

  it('survives arguments with newlines, quotes and parentheses', async () => {
    const { pid } = await started('a) (b\nc \'d\' "e" ) R 1 1', '\n', '');
    const list = parseProcessList(await processList([]));
    const { cmdline } = list.find((entry) => entry.pid === pid)!;
    expect(cmdline.join(' ')).not.toContain('\n');
    expect(cmdline.join(' ')).toContain('a) (b?c \'d\' "e" ) R 1 1 ? ');
  });

  it('marks what runs below a program of a session', async () => {
    const program = await started();
    const sessions = [{ pid: program.pid!, sid: 7, jobAndRank: 'job/3' }];
    const list = parseProcessList(await processList(sessions));
    const marked = list.filter(({ xcpusid }) => xcpusid === '7');
    expect(marked.map(({ ppid }) => ppid)).toEqual(
      expect.arrayContaining([program.pid, process.pid]),
    );
    expect(marked.every(({ xcpujid }) => xcpujid === 'job/3')).toBe(true);
    expect(marked).toHaveLength(2);
  });

  it('leaves out a process that ends while it is made', async () => {
    const program = await started();
    const making = processList([]);
    program.kill('SIGKILL');
    await once(program, 'exit');
    expect(parseProcessList(await making).length).toBeGreaterThan(0);
    const after = parseProcessList(await processList([]));
    expect(after.some(({ pid }) => pid === program.pid)).toBe(false);
  });
});

/** A shell that has told that it runs, with a child, in a kernel session of its own. */
async function started(...args: string[]): Promise<ChildProcess> {
  const script = 'sleep 100 & echo; wait';
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // Gone already.
    }
  });
  await once(child.stdout!, 'data');
  return child;
}
