import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseProcessList } from '@xcpu/xcpu-protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { processList, sharedLists } from '../src/processes.js';

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

  it('takes no more of a command line than a line of it can hold', async () => {
    const many = Array<string>(15).fill('x'.repeat(100_000));
    const { pid } = await started(...many);
    const list = await processList([]);
    expect(parseProcessList(list).some((entry) => entry.pid === pid)).toBe(true);
    for (const line of list.split('\n')) expect(line.length).toBeLessThan(16_384);
  });

  it('is made at most twice, however many ask for it at once, and never from before one asked', async () => {
    let made = 0;
    const finish: (() => void)[] = [];
    const list = sharedLists(
      () => new Promise<number>((resolve) => finish.push(resolve.bind(null, ++made))),
    );
    const first = list();
    await vi.waitUntil(() => made === 1);
    const others = Array.from({ length: 100 }, list);
    finish[0]!();
    expect(await first).toBe(1);
    await vi.waitUntil(() => made === 2);
    finish[1]!();
    expect(new Set(await Promise.all(others))).toEqual(new Set([2]));
  });

  it('is made anew after one that failed', async () => {
    let made = 0;
    const list = sharedLists(async () => {
      if (++made === 1) throw new Error('short of memory');
      return made;
    });
    await expect(list()).rejects.toThrow('short of memory');
    expect(await list()).toBe(2);
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
