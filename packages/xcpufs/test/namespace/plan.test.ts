import { parseNamespace, SESSION_NAMESPACE } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import { stepWords, surroundings } from '../../src/namespace/plan.js';
import { STEP_WORDS } from '../../src/namespace/scripts.js';

describe('surroundings', () => {
  it('are the node’s own where only a directory is named', () => {
    expect(surroundings(parseNamespace('cd /a\ncd b/../c\n'))).toEqual({
      directory: '/a/c',
      namespace: undefined,
    });
    expect(surroundings([])).toEqual({ directory: undefined, namespace: undefined });
  });

  it('are private with unshare alone', () => {
    expect(surroundings(parseNamespace('unshare\n')).namespace).toEqual({ steps: [], imports: [] });
  });

  it('leave the last cd to the program, and tell what is imported', () => {
    const program = parseNamespace(`${SESSION_NAMESPACE}cd /home/ann\n`);
    const { directory, namespace } = surroundings(program);
    expect(directory).toBe('/home/ann');
    expect(namespace?.imports).toEqual([
      { command: 'import', address: '$XCPUTSADDR', directory: '/mnt/term', line: 2 },
    ]);
    expect(namespace?.steps.map(({ command }) => command)).toEqual([
      ...['import', 'bind', 'bind', 'bind', 'bind', 'chroot'],
    ]);
  });

  it('begin at the top of a new root', () => {
    const { directory } = surroundings(parseNamespace('cd /a\nchroot /b\ncd c\n'));
    expect(directory).toBe('/c');
    expect(surroundings(parseNamespace('cd /a\nchroot /b\n')).directory).toBe('/');
  });

  it('keep a cd that something follows', () => {
    const { namespace } = surroundings(parseNamespace('cd /a\nbind b c\ncd /d\n'));
    expect(namespace?.steps.map(({ command }) => command)).toEqual(['cd', 'bind']);
  });
});

describe('the words of steps', () => {
  it('are as many for each, whatever it is', () => {
    const program = [
      ...['import session!term /t', 'import -o ro h /u', 'bind a b', 'bind -r a b'],
      ...['bind -o ro a b', 'tmpfs /d size=1m', 'mount dev /m nfs ro', 'mkdir /k', 'umount /d'],
      ...['cd /c', 'chroot /r', 'cache -o ro h /v'],
    ];
    const words = stepWords(parseNamespace(program.join('\n')));
    const rows = Array.from({ length: program.length }, (_, row) =>
      words.slice(row * STEP_WORDS, (row + 1) * STEP_WORDS),
    );
    expect(words).toHaveLength(program.length * STEP_WORDS);
    expect(rows).toEqual([
      ['1', 'import', '0', '/t', '', ''],
      ['2', 'import', '1', '/u', '', ''],
      ['3', 'bind', 'a', 'b', '', ''],
      ['4', 'rbind', 'a', 'b', '', ''],
      ['5', 'bind', 'a', 'b', 'ro', ''],
      ['6', 'tmpfs', '', '/d', 'size=1m', ''],
      ['7', 'mount', 'dev', '/m', 'ro', 'nfs'],
      ['8', 'mkdir', '', '/k', '', ''],
      ['9', 'umount', '', '/d', '', ''],
      ['10', 'cd', '', '/c', '', ''],
      ['11', 'chroot', '', '/r', '', ''],
      ['12', 'cache', '2', '/v', '', ''],
    ]);
  });
});
