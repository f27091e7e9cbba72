import fc from 'fast-check';

/** Names out of few parts, so that many are equal, neighbours, or alike in all but padding. */
export const anyNode: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '', 'u@', 'u2@', 'tcp!', 'u@tcp!'),
    fc.oneof(
      { weight: 6, arbitrary: hostNames() },
      { weight: 1, arbitrary: fc.constantFrom('fd00::2', '[fd00::2]', '[fd00::10]', '::1') },
    ),
    fc.constantFrom('', '', '', '!7000', '!7001', '!9', '!10'),
  )
  .map((parts) => parts.join(''));

/** Natural order as documented, by the most literal means: split at digits, compare piece by piece. */
export function naiveCompare(a: string, b: string): number {
  const [as, bs] = [naivePieces(a), naivePieces(b)];
  for (let i = 0; ; i++) {
    const [x, y] = [as[i], bs[i]];
    if (x === undefined || y === undefined) {
      return as.length - bs.length;
    }
    if (x === y) {
      continue;
    }
    if (i % 2 === 0) {
      return x < y ? -1 : 1;
    }
    return Number(x) - Number(y) || x.length - y.length;
  }
}

/** The set of `names` as an array, in naiveCompare's order. */
export function naiveSort(names: Iterable<string>): string[] {
  return [...new Set(names)].sort(naiveCompare);
}

function hostNames(): fc.Arbitrary<string> {
  const parts = [
    'a',
    'b',
    '-',
    '.',
    '0',
    '1',
    '2',
    '8',
    '9',
    '08',
    '10',
    '11',
    '001',
    '99',
    '100',
    '00',
    '010',
  ];
  return fc
    .array(fc.constantFrom(...parts), { maxLength: 5 })
    .map((tail) => `n${tail.join('')}`)
    .map((name) => name.replace(/^n(?=\d.*\d)/, ''));
}

// Texts at even places, digits at odd ones; the digits of an IPv6 address are text.
function naivePieces(name: string): string[] {
  const pieces = [''];
  for (const part of name.split(/(?<=[!@])|(?=[!@])/)) {
    const found = part.includes(':') ? [part] : part.split(/(\d+)/);
    found.forEach((piece, i) => {
      if (i % 2 === 1) {
        pieces.push(piece, '');
      } else {
        pieces[pieces.length - 1] += piece;
      }
    });
  }
  return pieces.at(-1) === '' && pieces.length > 1 ? pieces.slice(0, -1) : pieces;
}
