import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FdWriter, writersFor } from '../../src/fd-writer.js';
import { JobOutput, type OutputStream, type OutputStyle } from '../../src/index.js';
import { LineBudget, LineBuffer } from '../../src/job/line-buffer.js';

const folder = mkdtempSync(join(tmpdir(), 'xcpu-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Piece = readonly [rank: number, text: string, stream?: OutputStream];

/** What ends up in the two files when ranks write these pieces and then end. */
async function written(style: OutputStyle, pieces: readonly Piece[]) {
  const paths = { stdout: join(folder, 'stdout'), stderr: join(folder, 'stderr') };
  const fds = { stdout: openSync(paths.stdout, 'w'), stderr: openSync(paths.stderr, 'w') };
  const output = new JobOutput(style, fds);
  for (const [rank, text, stream = 'stdout'] of pieces) {
    const data = Buffer.from(text, 'latin1');
    await output.sink({ type: 'output', ...placeOf(rank), rank, stream, data });
  }
  for (const rank of new Set(pieces.map(([rank]) => rank))) {
    await output.sink({ type: 'exit', ...placeOf(rank), rank, status: { exitCode: 0 } });
  }
  await output.note('xrx: note');
  closeSync(fds.stdout);
  closeSync(fds.stderr);
  return {
    stdout: readFileSync(paths.stdout, 'latin1'),
    stderr: readFileSync(paths.stderr, 'latin1'),
  };
}

function placeOf(rank: number) {
  return { node: `n${rank}`, session: '7' };
}

describe('JobOutput', () => {
  it('writes plain output as it comes', async () => {
    const pieces: Piece[] = [
      [1, 'a\0'],
      [2, 'b\n'],
      [1, 'c'],
      [1, 'err', 'stderr'],
    ];
    expect(await written('plain', pieces)).toEqual({ stdout: 'a\0b\nc', stderr: 'errxrx: note\n' });
  });

  it('puts labels before lines, never mixes them, and completes the last', async () => {
    const pieces: Piece[] = [
      [1, 'one\ntw'],
      [2, 'eins\n'],
      [1, 'o\nthree', 'stdout'],
      [1, 'oops', 'stderr'],
      [2, '\n\n'],
    ];
    expect(await written('labels', pieces)).toEqual({
      stdout: 'n1: one\nn2: eins\nn1: two\nn2: \nn2: \nn1: three\n',
      stderr: 'n1: oops\nxrx: note\n',
    });
  });

  it('writes every line whole, once and in the order of its rank', async () => {
    const piece = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        for (const style of ['lines', 'labels'] as const) {
          const { stdout } = await written(style, pieces);
          const expected = new Map<number, string>();
          for (const [rank, text] of pieces) expected.set(rank, (expected.get(rank) ?? '') + text);
          const label = (rank: number) => (style === 'labels' ? `n${rank}: ` : '');
          const lines = [...expected].flatMap(([rank, text]) =>
            text
              .replace(/\n$/, '')
              .split('\n')
              .filter(() => text !== '')
              .map((line) => `${label(rank)}${line}\n`),
          );
          expect(stdout.match(/.*\n/g)?.sort() ?? []).toEqual(lines.sort());
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('LineBuffer', () => {
  const text = (pieces: Uint8Array[]) => Buffer.concat(pieces).toString();

  it('cuts a line that grows beyond its limit', () => {
    const buffer = new LineBuffer('n: ', new LineBudget({ line: 8, total: 1000, fair: 4 }));
    expect(text(buffer.push(Buffer.from('12345678')))).toBe('');
    expect(text(buffer.push(Buffer.from('9')))).toBe('n: 123456789\n');
    expect(text(buffer.push(Buffer.from('end\n')))).toBe('n: end\n');
  });

  it('cuts long lines first where all together grow beyond theirs', () => {
    const budget = new LineBudget({ line: 1000, total: 10, fair: 4 });
    const [short, long] = [new LineBuffer('', budget), new LineBuffer('', budget)];
    long.push(Buffer.from('long line'));
    expect(text(short.push(Buffer.from('abc')))).toBe('');
    expect(text(long.push(Buffer.from('!')))).toBe('long line!\n');
    expect(budget.held).toBe(3);
    expect(text(short.finish())).toBe('abc\n');
    expect(budget.held).toBe(0);
  });
});

describe('FdWriter', () => {
  it('writes in order, more pieces than the system takes at once, and large ones', async () => {
    const path = join(folder, 'fd');
    const fd = openSync(path, 'w');
    const writer = new FdWriter();
    const small = Array.from({ length: 3000 }, (_, n) => Buffer.from(`${n},`));
    const large = Buffer.alloc(3 * 1024 * 1024, 'x');
    await Promise.all([writer.write(fd, small), writer.write(fd, [large]), writer.write(fd, [])]);
    closeSync(fd);
    expect(readFileSync(path, 'latin1')).toBe(Buffer.concat([...small, large]).toString());
  });

  it('rejects with the error of the system', async () => {
    const fd = openSync('/dev/full', 'w');
    await expect(new FdWriter().write(fd, [Buffer.from('x')])).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    closeSync(fd);
  });

  it('shares one writer between descriptors of one file', () => {
    const [a, b] = [openSync('/dev/null', 'w'), openSync('/dev/null', 'w')];
    const c = openSync('/dev/full', 'w');
    const [first, second] = writersFor(a, b);
    expect(first).toBe(second);
    expect(new Set(writersFor(a, c)).size).toBe(2);
    for (const fd of [a, b, c]) closeSync(fd);
  });
});
