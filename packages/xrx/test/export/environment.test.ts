import { describe, expect, it } from 'vitest';
import { travellingEnvironment } from '../../src/export/environment.js';

const ENV = {
  LANG: 'de_DE.UTF-8',
  LC_TIME: 'C',
  LC_evil: 'no',
  TERM: 'xterm',
  PATH: '/home/u/bin:/usr/bin',
  HOME: '/home/u',
  SSH_AUTH_SOCK: '/tmp/agent',
  AWS_SECRET_ACCESS_KEY: 'secret',
  GITHUB_TOKEN: 'secret',
  LD_PRELOAD: '/lib/x.so',
  TZ: 'a\ufffdb',
  EDITOR: 'x'.repeat(40_000),
  PAGER: undefined,
};

describe('travellingEnvironment', () => {
  it('is the locale, the terminal and the umask', () => {
    expect(travellingEnvironment(ENV, false, 0o27)).toEqual([
      ['LANG', 'de_DE.UTF-8'],
      ['LC_TIME', 'C'],
      ['TERM', 'xterm'],
      ['XCPU_UMASK', '0027'],
    ]);
  });

  it('names the user’s directories where they are seen', () => {
    const names = travellingEnvironment(ENV, true, 0).map(([name]) => name);
    expect(names).toEqual(['LANG', 'LC_TIME', 'TERM', 'PATH', 'HOME', 'XCPU_UMASK']);
  });

  it('has the process’s own umask', () => {
    const umask = process.umask().toString(8).padStart(4, '0');
    expect(travellingEnvironment({}, true)).toEqual([['XCPU_UMASK', umask]]);
  });
});
