import {
  closeSync,
  constants,
  fstatSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import { eventually } from '../../../../test/support/wait.js';
import { PipeMaker, type ProgramPipes } from '../../src/program/pipes.js';
import { findTools } from '../../src/program/tools.js';

const { sh } = findTools(true);

describe('the pipes of a program', () => {
  it('block for the program and not for us, one way each', async () => {
    const { child, ours } = await open(new PipeMaker(sh));
    expect(child.map(modeOf)).toEqual(['read', 'write', 'write']);
    expect(ours.map(modeOf)).toEqual([
      'write, never waits',
      'read, never waits',
      'read, never waits',
    ]);
  });

  it('carry bytes, and end with their writer', async () => {
    const { child, ours } = await open(new PipeMaker(sh));
    const buffer = Buffer.alloc(10);
    for (const [from, to] of [
      [ours[0], child[0]],
      [child[1], ours[1]],
      [child[2], ours[2]],
    ] as const) {
      writeSync(from, 'x');
      expect(readSync(to, buffer)).toBe(1);
      close(from);
      // The processes that made the pipes may take a moment to let go of them.
      await eventually('the pipe has ended', () => hasEnded(to));
    }
  });

  it.skipIf(lacksRoot())('belong to the user, so that he may open them by name', async () => {
    const maker = new PipeMaker(sh);
    const { child, ours } = await open(maker, { uid: 41_001, gid: 41_100 });
    for (const fd of [...child, ...ours]) {
      const stats = fstatSync(fd);
      expect(stats.isFIFO()).toBe(true);
      expect([stats.uid, stats.gid]).toEqual([41_001, 41_100]);
    }
    const { child: next } = await open(maker);
    expect(fstatSync(next[0]).uid).toBe(0);
  });

  it('cost as many descriptors as are made ahead, however many programs come and go', async () => {
    const maker = new PipeMaker(sh);
    const before = openDescriptors();
    for (let program = 0; program < 60; program++) {
      const { child, ours, gate } = await maker.open(undefined);
      for (const fd of [...child, ...ours, gate.child, gate.ours]) closeSync(fd);
    }
    await maker.prepare();
    expect(openDescriptors() - before).toBeLessThan(64);
  });

  it('are made for all that ask at the same time', async () => {
    const maker = new PipeMaker(sh);
    const all = await Promise.all(Array.from({ length: 30 }, () => open(maker)));
    const inodes = all.flatMap(({ child }) => child.map((fd) => fstatSync(fd).ino));
    expect(new Set(inodes).size).toBe(90);
  });

  it('are refused with a reason where there are none to be had', async () => {
    await expect(new PipeMaker('/nonexistent').prepare()).rejects.toMatchObject({
      ename: 'cannot make pipes: the node is short of resources',
    });
  });
});

const closed = new Set<number>();

async function open(maker: PipeMaker, owner?: { uid: number; gid: number }): Promise<ProgramPipes> {
  const pipes = await maker.open(owner);
  for (const fd of [...pipes.child, ...pipes.ours]) {
    closed.delete(fd);
    onTestFinished(() => close(fd));
  }
  return pipes;
}

function close(fd: number): void {
  if (closed.has(fd)) return;
  closed.add(fd);
  closeSync(fd);
}

function hasEnded(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

/** As proc(5) tells it in fdinfo. */
function modeOf(fd: number): string {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)![1]!, 8);
  const access = (flags & 3) === constants.O_RDONLY ? 'read' : 'write';
  return flags & constants.O_NONBLOCK ? `${access}, never waits` : access;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
