import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/support/needs.js';
import { parseSignal, signalName, XcpuFormatError } from '../src/index.js';

describe('parseSignal', () => {
  it.each([
    ['SIGTERM', 15],
    ['TERM', 15],
    ['15', 15],
    ['sigkill', 9],
    ['SIGCLD', 17],
    ['SIGRTMIN', 34],
    ['RTMIN+2', 36],
    ['SIGRTMAX-1', 63],
    ['64', 64],
  ])('reads %j', (text, number) => {
    expect(parseSignal(text)).toBe(number);
  });

  it.each([
    '',
    '0',
    '65',
    '-9',
    'SIG',
    'SIGFOO',
    'SIGRTMIN-1',
    'RTMAX+1',
    'RTMIN+31',
    '1e1',
    'constructor',
  ])('refuses %j', (text) => {
    expect(() => parseSignal(text)).toThrow(new XcpuFormatError('unsupported signal'));
  });

  const here = process.platform === 'linux' && process.arch === 'x64';
  it.skipIf(lacks('Linux on an x86-64 processor', here))('agrees with the system', () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      expect([name, parseSignal(name)]).toEqual([name, number]);
    }
  });
});

describe('signalName', () => {
  it('gives every number a name that is read back', () => {
    for (let number = 1; number <= 64; number++) {
      expect(parseSignal(signalName(number))).toBe(number);
    }
    expect([signalName(9), signalName(34), signalName(36)]).toEqual([
      'SIGKILL',
      'SIGRTMIN',
      'SIGRTMIN+2',
    ]);
  });

  it('shows a number where there is no name', () => {
    expect([signalName(32), signalName(0), signalName(99)]).toEqual(['32', '0', '99']);
  });
});
