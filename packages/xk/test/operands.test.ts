import { UsageError } from '@xcpu/libxcpu';
import { describe, expect, it } from 'vitest';
import { parseOperand, takeSignal, withPlainSignal } from '../src/operands.js';

const plain = { allRanks: false, named: undefined } as const;

describe('an operand', () => {
  it.each([
    ['n8:1234', 'n8', { kind: 'process', pid: 1234 }],
    ['n8!7000:1234', 'n8!7000', { kind: 'process', pid: 1234 }],
    ['n[8-11]!7000,a1:5', 'n[8-11]!7000,a1', { kind: 'process', pid: 5 }],
    ['alice@n8:5', 'alice@n8', { kind: 'process', pid: 5 }],
    ['fd00::2:5', 'fd00::2', { kind: 'process', pid: 5 }],
    ['[fd00::2]!7000:5', '[fd00::2]!7000', { kind: 'process', pid: 5 }],
    ['::1:job/2', '::1', { kind: 'job', jobid: 'job', rank: 2 }],
    ['n8:/3', 'n8', { kind: 'job', jobid: '', rank: 3 }],
    ['job.1-a b/12', undefined, { kind: 'job', jobid: 'job.1-a b', rank: 12 }],
    ['4711/1', undefined, { kind: 'job', jobid: '4711', rank: 1 }],
  ])('%j', (text, nodes, target) => {
    expect(parseOperand(text, plain)).toMatchObject({ nodes, target });
  });

  it('is a job of all its ranks with -m, whatever it looks like', () => {
    const settings = { allRanks: true, named: undefined } as const;
    expect(parseOperand('4711', settings).target).toEqual({ kind: 'job', jobid: '4711' });
    expect(parseOperand('n8:4711', settings).target).toEqual({ kind: 'job', jobid: '4711' });
    expect(parseOperand('job/2', settings).target).toEqual({ kind: 'job', jobid: 'job', rank: 2 });
  });

  it('names no nodes where an option does', () => {
    const settings = { allRanks: true, named: 'option' } as const;
    expect(parseOperand('a:b', settings)).toMatchObject({
      nodes: undefined,
      target: { kind: 'job', jobid: 'a:b' },
    });
    expect(parseOperand('12', { allRanks: false, named: 'default' })).toMatchObject({
      nodes: undefined,
      target: { kind: 'process', pid: 12 },
    });
  });

  it.each(['', '12', 'job', 'job/', 'job/-1', 'job/x', '/1', 'n8:0', 'n8:2147483648', 'n8:a)/1'])(
    '%j is refused',
    (text) => {
      expect(() => parseOperand(text, plain)).toThrow(UsageError);
    },
  );
});

describe('the signal', () => {
  it.each([
    ['9', 9],
    ['TERM', 15],
    ['sigint', 2],
    ['RTMIN+1', 35],
  ])('%j', (text, number) => {
    expect(takeSignal(text)).toBe(number);
  });

  it.each([undefined, '', '0', '65', 'n8:12', '-9'])('%j is none', (text) => {
    expect(() => takeSignal(text)).toThrow(UsageError);
  });

  it('may be written as an option, once, and before --', () => {
    expect(withPlainSignal(['-9', 'n8:1'])).toEqual(['9', 'n8:1']);
    expect(withPlainSignal(['-m', '-SIGTERM', 'job'])).toEqual(['-m', 'SIGTERM', 'job']);
    expect(withPlainSignal(['-ABRT', 'n8:1'])).toEqual(['ABRT', 'n8:1']);
    expect(withPlainSignal(['-9', '-9'])).toEqual(['9', '-9']);
    expect(withPlainSignal(['-A', 'key', '--', '-9'])).toEqual(['-A', 'key', '--', '-9']);
    expect(withPlainSignal(['-m', '-V', '-d', '-w'])).toEqual(['-m', '-V', '-d', '-w']);
  });
});
