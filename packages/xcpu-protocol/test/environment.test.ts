import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  environmentObject,
  formatEnvironment,
  lookupEnvironment,
  parseEnvironment,
  XcpuFormatError,
} from '../src/index.js';

describe('parseEnvironment', () => {
  it('reads what legacy clients write', () => {
    const text = '\nXCPUARCHDIR=\nXCPUCLADDR=127.0.0.1!49383\nXCPUTSADDR=127.0.0.1!49383\n';
    expect(parseEnvironment(text)).toEqual([
      ['XCPUARCHDIR', ''],
      ['XCPUCLADDR', '127.0.0.1!49383'],
      ['XCPUTSADDR', '127.0.0.1!49383'],
    ]);
  });

  it('reads quoted values, newlines in them included', () => {
    expect(parseEnvironment("'PS1=it''s $ '\n\nA=b=c\n'M=1\n2'")).toEqual([
      ['PS1', "it's $ "],
      ['A', 'b=c'],
      ['M', '1\n2'],
    ]);
  });

  it.each(['NAME', '=value', "''", 'A=b c', 'A=\0'])('refuses %j', (text) => {
    expect(() => parseEnvironment(text)).toThrow(/expected NAME=value$/);
  });
});

describe('formatEnvironment', () => {
  const entries = fc.array(fc.tuple(fc.stringMatching(/^[^=\0]+$/), fc.stringMatching(/^[^\0]*$/)));

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(entries, (value) => {
        expect(parseEnvironment(formatEnvironment(value))).toEqual(value);
      }),
    );
  });

  it.each([
    ['', 'v'],
    ['a=b', 'v'],
    ['a\0', 'v'],
    ['a', '\0'],
  ] as const)('refuses %j=%j', (name, value) => {
    expect(() => formatEnvironment([[name, value]])).toThrow(XcpuFormatError);
  });
});

describe('equal names', () => {
  const entries = [
    ['XCPUSID', '7'],
    ['A', '1'],
    ['XCPUSID', 'forged'],
    ['__proto__', 'x'],
  ] as const;

  it('the first one counts for $NAME and for the process', () => {
    expect(lookupEnvironment(entries, 'XCPUSID')).toBe('7');
    expect(lookupEnvironment(entries, 'missing')).toBeUndefined();
    const object = environmentObject(entries);
    expect(object.XCPUSID).toBe('7');
    expect(Object.keys(object).sort()).toEqual(['A', 'XCPUSID', '__proto__']);
  });
});
