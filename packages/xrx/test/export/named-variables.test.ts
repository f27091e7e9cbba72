import { SetupError } from '@xcpu/libxcpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namedVariables } from '../../src/export/named-variables.js';

const HERE = { FOO: 'f', BAR: 'two words', EMPTY: '', ODD: 'a\ufffd', SSH_AUTH_SOCK: '/agent' };
const named = (text: string) => namedVariables({ ...HERE, XCPUENV: text });

describe('namedVariables', () => {
  it('is nothing where nothing is named', () => {
    expect(namedVariables(HERE)).toEqual([]);
    expect(named('')).toEqual([]);
    expect(named(' \n\n ')).toEqual([]);
  });

  it.each([
    [
      'FOO BAR',
      [
        ['FOO', 'f'],
        ['BAR', 'two words'],
      ],
    ],
    [
      'FOO\nEMPTY',
      [
        ['FOO', 'f'],
        ['EMPTY', ''],
      ],
    ],
    ['NOT_SET FOO ODD', [['FOO', 'f']]],
  ])('takes the values of names that are set: %j', (text, entries) => {
    expect(named(text)).toEqual(entries);
  });

  it.each([
    ['A=1', [['A', '1']]],
    ['A=b c  d', [['A', 'b c  d']]],
    [
      'A=\nB=x=y',
      [
        ['A', ''],
        ['B', 'x=y'],
      ],
    ],
    [
      'A=1\\nB=2',
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
    [
      "'A=b c' 'B=it''s' FOO",
      [
        ['A', 'b c'],
        ['B', "it's"],
        ['FOO', 'f'],
      ],
    ],
    [
      'FOO A=b FOO',
      [
        ['FOO', 'f'],
        ['A', 'b FOO'],
      ],
    ],
    ['FOO=mine', [['FOO', 'mine']]],
    ['A=1\nA=2', [['A', '2']]],
  ])('takes lines that say values: %j', (text, entries) => {
    expect(named(text)).toEqual(entries);
  });

  it.each([
    ['1A', '"1A"'],
    ['=x', '""'],
    ['A-B=1', '"A-B"'],
    ["'A=b", 'unterminated quote'],
    ['XCPUID', 'XCPUID is what xcpu itself says'],
    ['XCPU_RANK=7', 'XCPU_RANK is what xcpu itself says'],
    ['SSH_AUTH_SOCK', 'SSH_AUTH_SOCK never travels'],
    ['FOO SSH_AUTH_SOCK=/x', 'SSH_AUTH_SOCK never travels'],
  ])('refuses %j', (text, reason) => {
    expect(() => named(text)).toThrow(SetupError);
    expect(() => named(text)).toThrow(reason);
  });

  it('takes any text apart, or says what is wrong', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          for (const [name] of named(text)) expect(name).toMatch(/^[A-Za-z_]\w*$/);
        } catch (error) {
          expect(error).toBeInstanceOf(SetupError);
        }
      }),
    );
  });
});
