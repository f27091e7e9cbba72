import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_NAMESPACE,
  formatNamespace,
  type NamespaceCommand,
  parseNamespace,
  XcpuFormatError,
} from '../src/index.js';

const problemsOf = (text: string): readonly string[] => {
  try {
    parseNamespace(text);
  } catch (error) {
    return (error as XcpuFormatError).problems;
  }
  return [];
};

describe('parseNamespace', () => {
  it('reads the default program', () => {
    const env: Record<string, string> = { XCPUTSADDR: '10.0.0.1!7000', XCPUARCHDIR: '' };
    expect(
      parseNamespace(`${DEFAULT_NAMESPACE}cd '/home/it''s me'\n`, (name) => env[name]),
    ).toEqual([
      { line: 1, command: 'unshare' },
      { line: 2, command: 'import', address: '10.0.0.1!7000', directory: '/mnt/term' },
      { line: 3, command: 'bind', old: '/mnt/term/', new: '/mnt/sandbox' },
      { line: 4, command: 'bind', old: '/mnt/term/home', new: '/mnt/sandbox/home' },
      { line: 5, command: 'bind', old: '/dev', new: '/mnt/sandbox/dev' },
      { line: 6, command: 'bind', old: '/proc', new: '/mnt/sandbox/proc' },
      { line: 7, command: 'bind', old: '/sys', new: '/mnt/sandbox/sys' },
      { line: 8, command: 'chroot', directory: '/mnt/sandbox' },
      { line: 9, command: 'cd', directory: "/home/it's me" },
    ]);
  });

  it('reads the padded program of legacy clients, blank lines and nothing at all', () => {
    expect(parseNamespace(`cd${' '.repeat(1000)}/`)).toEqual([
      { line: 1, command: 'cd', directory: '/' },
    ]);
    expect(parseNamespace('\n \t\n\ncd /\n')).toEqual([{ line: 4, command: 'cd', directory: '/' }]);
    expect(parseNamespace('')).toEqual([]);
  });

  it('reads mount and cache', () => {
    expect(parseNamespace("mount none /tmp tmpfs ''\ncache n1!7 n2")).toEqual([
      { line: 1, command: 'mount', device: 'none', directory: '/tmp', type: 'tmpfs', options: '' },
      { line: 2, command: 'cache', addresses: ['n1!7', 'n2'] },
    ]);
  });

  it('replaces names of letters and digits, and leaves unknown ones', () => {
    const env: Record<string, string> = { A1: 'x', A: 'no', EMPTY: '' };
    const cd = (word: string) => parseNamespace(`cd ${word}`, (name) => env[name])[0];
    expect(cd('/$A1/$NONE')).toMatchObject({ directory: '/x/$NONE' });
    expect(cd('$A_1$')).toMatchObject({ directory: 'no_1$' });
    expect(cd("'$A1 $A1'")).toMatchObject({ directory: 'x x' });
    expect(cd('$EMPTY')).toMatchObject({ directory: '' });
  });

  it('never lets a value add words, commands or names', () => {
    const value = "/a b\nchroot /evil '$A";
    expect(parseNamespace('cd $A', () => value)).toEqual([
      { line: 1, command: 'cd', directory: value },
    ]);
  });

  it('reports every fault by line and reason', () => {
    expect(
      problemsOf("unshare now\ncd\n\nfly /\ncd 'a\nb'\nbind a\nimport h\ncache\nmount a b c"),
    ).toEqual([
      'namespace line 1: expected unshare',
      'namespace line 2: expected cd DIR',
      'namespace line 4: unknown command "fly"',
      'namespace line 5: unterminated quote',
      'namespace line 6: unknown command "b\'"',
      'namespace line 7: expected bind OLD NEW',
      'namespace line 8: expected import HOST[!PORT] DIR',
      'namespace line 9: expected cache HOST[!PORT]...',
      'namespace line 10: expected mount DEV DIR TYPE OPTIONS',
    ]);
  });

  it('bounds what it reports', () => {
    expect(problemsOf('fly\n'.repeat(10_000))).toHaveLength(100);
  });

  it('refuses NUL and names of the prototype', () => {
    expect(problemsOf('cd a\0b')).toEqual(['namespace line 1: an argument of cd holds a NUL']);
    expect(problemsOf('constructor')).toEqual(['namespace line 1: unknown command "constructor"']);
  });
});

describe('formatNamespace', () => {
  const word = fc.stringMatching(/^[^\n\0]*$/);
  const commands = fc.oneof(
    fc.record({ command: fc.constant('unshare') }),
    fc.record({
      command: fc.constant('mount'),
      device: word,
      directory: word,
      type: word,
      options: word,
    }),
    fc.record({ command: fc.constant('bind'), old: word, new: word }),
    fc.record({ command: fc.constant('import'), address: word, directory: word }),
    fc.record({ command: fc.constantFrom('cd', 'chroot'), directory: word }),
    fc.record({ command: fc.constant('cache'), addresses: fc.array(word, { minLength: 1 }) }),
  ) as fc.Arbitrary<NamespaceCommand>;

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(fc.array(commands), (program) => {
        const numbered = program.map((command, index) => ({ ...command, line: index + 1 }));
        expect(parseNamespace(formatNamespace(program))).toEqual(numbered);
      }),
    );
  });

  it('writes the default program as legacy does', () => {
    expect(formatNamespace(parseNamespace(DEFAULT_NAMESPACE))).toBe(DEFAULT_NAMESPACE);
  });

  it.each<NamespaceCommand>([
    { command: 'cd', directory: 'a\nchroot /' },
    { command: 'cd', directory: 'a\0' },
    { command: 'cache', addresses: [] },
  ])('refuses %j', (command) => {
    expect(() => formatNamespace([command])).toThrow(XcpuFormatError);
  });
});
