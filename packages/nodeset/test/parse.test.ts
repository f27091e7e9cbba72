import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_TEXT_LENGTH, NodeSet, NodeSetError } from '../src/index.js';

describe('NodeSet.parse', () => {
  it.each([
    ['n[3-1]', 2, 'range 3-1 runs backwards'],
    ['a,n[1,3-1]', 6, 'range 3-1 runs backwards'],
    ['n[]', 2, 'a number is missing in the brackets'],
    ['n[1,]', 4, 'a number is missing in the brackets'],
    ['n[1-]', 2, '"1-" is neither a number nor a range such as 1-8 or 1-8/2'],
    ['n[a-b]', 2, '"a-b" is neither a number nor a range such as 1-8 or 1-8/2'],
    ['n[5/2]', 2, '"5/2" is neither a number nor a range such as 1-8 or 1-8/2'],
    ['n[1-8/0]', 2, 'range 1-8/0 has step 0'],
    ['n[1-010]', 2, 'the ends of range 1-010 are padded to different widths'],
    ['n[001-10]', 2, 'the ends of range 001-10 are padded to different widths'],
    ['n[1-1234567890123456]', 2, 'a number in a range has at most 15 digits, not 16'],
    ['n12345678[1-12345678]', 9, 'a number in a range has at most 15 digits, not 16'],
    ['n1234567890123456[1-2]', 17, 'digits beside a range make a number of more than 15 digits'],
    ['n[1-2]1234567890123456', 6, 'digits beside a range make a number of more than 15 digits'],
    ['n[1-3', 1, '"[" without "]"'],
    ['n[1,n[2]', 5, '"[" inside brackets'],
    ['n1]', 2, '"]" without "["'],
    [',a', 0, 'a name is missing before the comma'],
    ['a,,b', 2, 'a name is missing before the comma'],
    ['a, ', 1, 'a name is missing after the comma'],
    ['a,n[1-2]:70', 2, '"n[1-2]:70" is not an IPv6 address; ports are written host!port'],
    ['[fd00::2-4]', 0, '"[fd00::2-4]" is not an IPv6 address; ports are written host!port'],
    ['n[1-2]![65535-65536]', 0, 'port "65536" is not 1 to 65535'],
    ['n[1-2]![0-5]', 0, 'port "0" is not 1 to 65535'],
    ['n![7,00]', 0, 'port "00" is not 1 to 65535'],
    ['n![7000,07000]', 0, 'port "07000" is not 1 to 65535'],
    ['n$[1-2]', 0, 'a host name cannot have the character "$"'],
    ['udp!n[1-2]!5', 0, 'transport "udp" is not known, only tcp'],
  ])('refuses %j at %i: %s', (text, position, reason) => {
    const error = faultOf(text);
    expect(error).toMatchObject({ name: 'NodeSetError', text, position, reason });
    expect(error?.message).toBe(
      `node set ${JSON.stringify(text).replaceAll('\\"', '"')}: ${reason}, at character ${position + 1}`,
    );
  });

  it('shows of a long text what surrounds the fault, on one line', () => {
    const error = faultOf(`${'n1,'.repeat(100)}\n\u001bn[2-1],${'n1,'.repeat(100)}n`);
    expect(error?.message).toMatch(
      /^node set "….{60}…": range 2-1 runs backwards, at character \d+$/,
    );
    expect(error?.message).toContain('n1,??n[2-1],n1');
  });

  it('limits length, numbers and work', () => {
    expect(faultOf('n'.repeat(MAX_TEXT_LENGTH + 1))?.reason).toBe(
      'is longer than 1048576 characters',
    );
    expect(faultOf('n'.repeat(600))?.reason).toBe('a node has at most 512 characters');
    expect(faultOf('a[1-999999999999]b[1-999999999999]')?.reason).toBe(
      'names more than 9007199254740991 nodes',
    );
    const scattered = 'falls into too many separate ranges; split it into smaller sets';
    expect(faultOf('n[1-1000000000/2]')?.reason).toBe(scattered);
    expect(faultOf('n[1-1000000000]0')?.reason).toBe(scattered);
    const staggered = Array.from({ length: 3000 }, (_, i) => `a[${i}-${i + 6000}]b${2 * i}`).join();
    expect(faultOf(staggered)?.reason).toBe(scattered);
  }, 30_000);

  it('keeps what many stepped ranges share', () => {
    const text = 'a[1-200001/2]b[1-200001/2]c[1-2001/2]';
    expect(NodeSet.parse(text).toString()).toBe(text);
    expect(NodeSet.parse(`${text},${text}`).toString()).toBe(text);
  });

  it('throws nothing but NodeSetError, and reads what it writes', () => {
    const piece = fc.constantFrom(
      ...'[],-!@:/ 0189anu.%'.split(''),
      'tcp',
      '[1-3]',
      '::',
      '99999999',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        let set: NodeSet;
        try {
          set = NodeSet.parse(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(NodeSetError);
          return;
        }
        const folded = set.toString();
        expect(NodeSet.parse(folded).toString()).toBe(folded);
        if (set.size <= 1000) {
          expect(NodeSet.of(set).toString()).toBe(folded);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function faultOf(text: string): NodeSetError | undefined {
  try {
    NodeSet.parse(text);
  } catch (error) {
    if (error instanceof NodeSetError) {
      return error;
    }
    throw error;
  }
  return undefined;
}
