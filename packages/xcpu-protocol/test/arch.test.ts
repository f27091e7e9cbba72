import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatArch,
  localArch,
  machineOfNodeArch,
  parseArch,
  XcpuFormatError,
} from '../src/index.js';

describe('arch', () => {
  it('reads what nodes tell', () => {
    expect(parseArch('/Linux/x86_64')).toEqual({ system: 'Linux', machine: 'x86_64' });
  });

  it.each([
    '',
    'Linux/x86_64',
    '/Linux',
    '/Linux/..',
    '/../x',
    '/Linux/x/y',
    '/Linux/x\n',
    '/a b/c',
  ])('refuses %j', (text) => {
    expect(() => parseArch(text)).toThrow(XcpuFormatError);
  });

  it('gives back what it was made from', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,20}$/);
    fc.assert(
      fc.property(part, part, (system, machine) => {
        expect(parseArch(formatArch({ system, machine }))).toEqual({ system, machine });
      }),
    );
    expect(() => formatArch({ system: 'Linux', machine: '..' })).toThrow(XcpuFormatError);
  });

  it('knows this machine', () => {
    expect(parseArch(formatArch(localArch()))).toEqual(localArch());
  });

  it('translates the names of Node.js', () => {
    expect(['x64', 'arm64', 'riscv64', 'vax'].map(machineOfNodeArch)).toEqual([
      'x86_64',
      'aarch64',
      'riscv64',
      'vax',
    ]);
  });
});
