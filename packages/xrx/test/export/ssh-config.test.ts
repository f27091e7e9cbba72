import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSshConfig, sshKeyFiles } from '../../src/export/ssh-config.js';
import { directory } from './support.js';

describe('parseSshConfig', () => {
  it.each([
    ['IdentityFile ~/a', ['~/a']],
    ['  identityFILE\t~/a  \r', ['~/a']],
    ['IdentityFile=~/a', ['~/a']],
    ['IdentityFile = ~/a', ['~/a']],
    ['IdentityFile="~/a b"', ['~/a b']],
    ['IdentityFile"~/a b"', ['~/a b']],
    ['"IdentityFile" ~/a', ['~/a']],
    ["IdentityFile '~/a b' c", ['~/a b', 'c']],
    ['IdentityFile ~/a\\ b', ['~/a b']],
    ['IdentityFile "a\\"b" \\c \'d\\\\\'', ['a"b', '\\c', 'd\\']],
    ['IdentityFile ~/"a b"/c', ['~/a b/c']],
    ['IdentityFile ~/a # mine', ['~/a']],
    ['IdentityFile ~/a#b', ['~/a#b']],
    ['IdentityFile "~/a', ['~/a']],
    ['IdentityFile ""', ['']],
    ['IdentityFile', undefined],
    ['# IdentityFile ~/a', undefined],
    ['', undefined],
  ])('%s', (line, words) => {
    expect(parseSshConfig(line)).toEqual(words ? [{ keyword: 'identityfile', words }] : []);
  });

  it('takes anything', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseSshConfig(text)));
  });
});

describe('sshKeyFiles', () => {
  const user = { home: '/home/u', name: 'u', uid: 7, cwd: '/here', env: { KEYS: '/k/*', E: '' } };
  const keys = (files: Readonly<Record<string, string>>, more: object = {}) => {
    const top = directory(files);
    const named = sshKeyFiles(join(top, 'config'), { ...user, ...more });
    return named.map((path) => path.replace(top, 'TOP'));
  };
  const named = (config: string, more: object = {}) => keys({ config }, more);

  it('are those of every host and match', () => {
    const config = `
IdentityFile ~/all
Host a b
  IdentityFile ~/keys2/work
  CertificateFile=/certs/work
Match user bob exec "touch /no"
  IdentityFile "/with blank"
  IdentityFile none
  Port 22
  ProxyCommand x
Host *
  IdentityFile ~/all`;
    expect(named(config)).toEqual([
      ...['/home/u/all', '/home/u/keys2/work', '/certs/work', '/with blank'],
    ]);
  });

  it.each([
    ['~/k', ['/home/u/k']],
    ['~', ['/home/u']],
    ['~bob/k', ['/bob/k']],
    ['~eve/k', []],
    ['%d/k', ['/home/u/k']],
    ['/k/%u-%i-%%', ['/k/u-7-%']],
    [`\${KEYS}/\${E}k`, ['/k/*/k']],
    [`/x/\${NONE}`, []],
    ['/a/../b//c', ['/b/c']],
    ['rel/k', ['/here/rel/k']],
    ['/k/[a]*?', ['/k/[a]*?']],
    ['/none/%h.pem', []],
    ['/k/%', ['/k/%']],
  ])('%s is expanded', (text, paths) => {
    const homeOf = (name: string) => (name === 'bob' ? '/bob' : undefined);
    expect(named(`IdentityFile ${text}`, { homeOf })).toEqual(paths);
  });

  it('are all that are there for what depends on the host, or is not known', () => {
    const home = directory({ 'k/a.pem': '', 'k/b.pem': '', 'k/c': '', 'k/[x]/u': '' });
    const found = (text: string, more: object = {}) =>
      named(`IdentityFile ${text}`, { home, ...more }).map((path) => path.slice(home.length));
    expect(found('~/k/%h.pem').sort()).toEqual(['/k/a.pem', '/k/b.pem']);
    expect(found(`~/k/\${X}`, { env: undefined }).sort()).toEqual([
      ...['/k/[x]', '/k/a.pem', '/k/b.pem', '/k/c'],
    ]);
    expect(found('~/k/[x]/%u', { name: undefined })).toEqual(['/k/[x]/u']);
    expect(found('rel', { cwd: undefined })).toEqual([]);
  });

  it('are those of included files, too, once', () => {
    const files = {
      config:
        'Include conf.d/*.conf "more conf" none\nHost x\n Include=/no/such\nIdentityFile /last',
      'conf.d/a.conf': 'IdentityFile /a\nInclude config\nInclude conf.d/*',
      'conf.d/b.conf': 'Host b\nIdentityFile /b',
      'conf.d/c': 'IdentityFile /c',
      'more conf': 'CertificateFile /d',
    };
    expect(keys(files)).toEqual(['/a', '/b', '/c', '/d', '/last']);
  });

  it('go no deeper than ssh, and end', () => {
    const files: Record<string, string> = { config: 'Include 1' };
    for (let at = 1; at < 30; at++) files[String(at)] = `IdentityFile /${at}\nInclude ${at + 1}`;
    expect(keys(files)).toHaveLength(16);
    const wide: Record<string, string> = { config: 'Include d/*' };
    for (let at = 0; at < 300; at++) wide[`d/${at}`] = `IdentityFile /${at}`;
    expect(keys(wide)).toHaveLength(255);
    expect(
      named(
        'IdentityFile /a\n'.repeat(3) +
          Array.from({ length: 2000 }, (_, at) => `IdentityFile /k${at}`).join('\n'),
      ),
    ).toHaveLength(1000);
  });

  it('are none where there is no configuration, or one that is no file', () => {
    const top = directory({ 'config/file': '' });
    expect(sshKeyFiles(join(top, 'config'), user)).toEqual([]);
    expect(sshKeyFiles(join(top, 'none'), user)).toEqual([]);
    execFileSync('mkfifo', [join(top, 'pipe')]);
    symlinkSync('pipe', join(top, 'link'));
    expect(sshKeyFiles(join(top, 'link'), user)).toEqual([]);
    expect(named(`IdentityFile /a\n${'#'.repeat(1024 * 1024)}`)).toEqual([]);
  });
});
