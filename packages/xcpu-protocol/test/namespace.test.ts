import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_NAMESPACE,
  formatNamespace,
  MAX_NAMESPACE_BYTES,
  MAX_NAMESPACE_STEPS,
  type NamespaceCommand,
  type NamespaceStep,
  parseNamespace,
  SESSION_NAMESPACE,
  TERM_ADDRESS,
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
    expect(parseNamespace("mount none /tmp tmpfs ''\ncache -o ro n1!7 /opt")).toEqual([
      { line: 1, command: 'mount', device: 'none', directory: '/tmp', type: 'tmpfs', options: '' },
      { line: 2, command: 'cache', address: 'n1!7', directory: '/opt', readOnly: true },
    ]);
  });

  it('reads what legacy does not know', () => {
    const text = `mkdir /a\ntmpfs /a\ntmpfs /a size=1m\numount /a
bind -r /dev /x\nbind -o ro /a /b\nbind -o ro -r -- -a -b\nimport -o ro ${TERM_ADDRESS} /mnt`;
    expect(parseNamespace(text)).toEqual([
      { line: 1, command: 'mkdir', directory: '/a' },
      { line: 2, command: 'tmpfs', directory: '/a', options: '' },
      { line: 3, command: 'tmpfs', directory: '/a', options: 'size=1m' },
      { line: 4, command: 'umount', directory: '/a' },
      { line: 5, command: 'bind', old: '/dev', new: '/x', recursive: true },
      { line: 6, command: 'bind', old: '/a', new: '/b', readOnly: true },
      { line: 7, command: 'bind', old: '-a', new: '-b', recursive: true, readOnly: true },
      { line: 8, command: 'import', address: 'session!term', directory: '/mnt', readOnly: true },
    ]);
  });

  it('leaves out comments, and knows a # that is none', () => {
    const text = "# all\n  #too\ncd /a # b 'c\ncd /a#b\ncd '#'\ncd '#a'#b\ncd #none";
    expect(() => parseNamespace(text)).toThrow('namespace line 7: expected cd DIR');
    expect(parseNamespace(text.replace('cd #none', ''))).toEqual([
      { line: 3, command: 'cd', directory: '/a' },
      { line: 4, command: 'cd', directory: '/a#b' },
      { line: 5, command: 'cd', directory: '#' },
      { line: 6, command: 'cd', directory: '#a#b' },
    ]);
    expect(parseNamespace('cd $A', () => '#x')).toEqual([
      { line: 1, command: 'cd', directory: '#x' },
    ]);
  });

  it('refuses options that it does not know', () => {
    expect(problemsOf('bind -x a b\nbind -o rw a b\nbind -o\nimport -r h /d\nbind -r a')).toEqual([
      'namespace line 1: bind has no option "-x"',
      'namespace line 2: bind -o knows only ro, not "rw"',
      'namespace line 3: bind -o knows only ro, not ""',
      'namespace line 4: import has no option "-r"',
      'namespace line 5: expected bind [-r] [-o ro] OLD NEW',
    ]);
  });

  it('names the line that goes beyond a limit', () => {
    expect(parseNamespace('cd /\n\n# x\n'.repeat(MAX_NAMESPACE_STEPS))).toHaveLength(
      MAX_NAMESPACE_STEPS,
    );
    expect(problemsOf('cd /\n'.repeat(MAX_NAMESPACE_STEPS + 1))).toEqual([
      `namespace line ${MAX_NAMESPACE_STEPS + 1}: more than ${MAX_NAMESPACE_STEPS} commands`,
    ]);
    expect(parseNamespace(`cd ${'/'.repeat(MAX_NAMESPACE_BYTES - 3)}`)).toHaveLength(1);
    expect(problemsOf(`unshare\ncd ${'/'.repeat(MAX_NAMESPACE_BYTES)}\ncd /`)).toEqual([
      `namespace line 2: program too long, at most ${MAX_NAMESPACE_BYTES} bytes`,
    ]);
    const long = 'x'.repeat(MAX_NAMESPACE_BYTES / 2);
    expect(() => parseNamespace('cd $A\ncd $A', () => long)).not.toThrow();
    expect(() => parseNamespace('cd $A\ncd $A\ncd $A', () => long)).toThrow(
      `namespace line 3: its variables stand for more than ${MAX_NAMESPACE_BYTES} bytes`,
    );
    expect(() => parseNamespace(`cd ${'$A'.repeat(30_000)}`, () => long)).toThrow(XcpuFormatError);
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
      'namespace line 7: expected bind [-r] [-o ro] OLD NEW',
      'namespace line 8: expected import [-o ro] HOST[!PORT] DIR',
      'namespace line 9: expected cache [-o ro] HOST[!PORT] DIR',
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
  const any = fc.stringMatching(/^[^\n\0]*$/);
  const word = fc.oneof(any, fc.constantFrom('-', '--', '-r', '-o', '#', "#'", "'#", '', ' #a'));
  const yes = fc.constant(true as const);
  const commands = fc.oneof(
    fc.record({ command: fc.constant('unshare') }),
    fc.record({
      command: fc.constant('mount'),
      device: word,
      directory: word,
      type: word,
      options: word,
    }),
    fc.record(
      { command: fc.constant('bind'), old: word, new: word, recursive: yes, readOnly: yes },
      { requiredKeys: ['command', 'old', 'new'] },
    ),
    fc.record(
      {
        command: fc.constantFrom('import', 'cache'),
        address: word,
        directory: word,
        readOnly: yes,
      },
      { requiredKeys: ['command', 'address', 'directory'] },
    ),
    fc.record({ command: fc.constant('tmpfs'), directory: word, options: word }),
    fc.record({
      command: fc.constantFrom('cd', 'chroot', 'mkdir', 'umount'),
      directory: word,
    }),
  ) as fc.Arbitrary<NamespaceCommand>;

  it('gives back what it was made from', () => {
    fc.assert(
      fc.property(fc.array(commands), (program) => {
        const numbered = program.map((command, index) => ({ ...command, line: index + 1 }));
        expect(parseNamespace(formatNamespace(program))).toEqual(numbered);
      }),
    );
  });

  it('is the only form of a program, whatever was parsed', () => {
    const texts = fc
      .array(
        fc.tuple(
          fc.constantFrom('cd', 'bind', 'import', 'tmpfs', 'mkdir', 'cache', 'unshare', '#', ''),
          fc.array(fc.oneof(any, fc.constantFrom('-r', '-o', 'ro', '--', '#', '/a', "'b c'"))),
        ),
      )
      .map((lines) => lines.map(([name, words]) => [name, ...words].join(' ')).join('\n'));
    fc.assert(
      fc.property(texts, (text) => {
        let steps: readonly NamespaceCommand[];
        try {
          steps = parseNamespace(text);
        } catch (error) {
          expect(error).toBeInstanceOf(XcpuFormatError);
          return;
        }
        const written = formatNamespace(steps);
        expect(formatNamespace(parseNamespace(written))).toBe(written);
        const bare = ({ line: _, ...command }: NamespaceStep) => command;
        expect(parseNamespace(written).map(bare)).toEqual((steps as NamespaceStep[]).map(bare));
      }),
    );
  });

  it('writes the program of this version as it is', () => {
    expect(formatNamespace(parseNamespace(SESSION_NAMESPACE))).toBe(SESSION_NAMESPACE);
  });

  it('writes the default program as legacy does', () => {
    expect(formatNamespace(parseNamespace(DEFAULT_NAMESPACE))).toBe(DEFAULT_NAMESPACE);
  });

  it.each<NamespaceCommand>([
    { command: 'cd', directory: 'a\nchroot /' },
    { command: 'cd', directory: 'a\0' },
  ])('refuses %j', (command) => {
    expect(() => formatNamespace([command])).toThrow(XcpuFormatError);
  });
});
