import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Errno } from '@xcpu/9p-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withLines } from '../../src/export/accounts.js';
import { directory, host, mounted, names, outcome } from './support.js';

const account = {
  ...{ user: 'ann', uid: 41_001, group: 'anns', gid: 41_100 },
  ...{ home: '/home/ann', shell: '/bin/zsh' },
  groups: [
    { name: 'anns', gid: 41_100 },
    { name: 'staff', gid: 5000 },
  ],
};
const owner = { host, node: account, account };

describe('the files that name users', () => {
  const tree = () =>
    directory({
      'etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:7:7:Ann:/a:/bin/sh\nbob:x:41001:9::/b:/c\n',
      'etc/group': 'root:x:0:\nstaff:x:50:ann,bob\ncréw:x:51:bob',
    });

  it('name the user as the node does, and nobody else so', async () => {
    const { files } = await mounted({ root: tree(), owner });
    expect(await files.readFile('/etc/passwd', 'utf8')).toBe(
      'ann:x:41001:41100::/home/ann:/bin/zsh\nroot:x:0:0::/root:/bin/sh\n',
    );
    expect(await files.readFile('/etc/group', 'utf8')).toBe(
      'anns:x:41100:\nstaff:x:5000:ann\nroot:x:0:\ncréw:x:51:bob\n',
    );
    expect(await files.stat('/etc/passwd')).toMatchObject({ size: 64 });
  });

  it('are as they are where nobody says who the user is', async () => {
    const { files } = await mounted({ root: tree() });
    expect(await files.readFile('/etc/group', 'utf8')).toContain('staff:x:50:ann,bob\n');
  });

  it('cannot be written', async () => {
    const { files } = await mounted({ root: tree(), owner });
    expect(await outcome(files.writeFile('/etc/passwd', 'x'))).toBe(Errno.EACCES);
    expect(await outcome(files.chmod('/etc/passwd', 0o777))).toBe(Errno.EACCES);
  });

  it('are served as they are where they are no files, and not at all where they are hidden', async () => {
    const root = tree();
    mkdirSync(join(root, 'o/etc'), { recursive: true });
    symlinkSync('/elsewhere', join(root, 'o/etc/passwd'));
    mkdirSync(join(root, 'o/etc/group'));
    const { files } = await mounted({ root: join(root, 'o'), owner });
    expect(await files.readlink('/etc/passwd')).toBe('/elsewhere');
    expect(await files.stat('/etc/group')).toMatchObject({ kind: 'directory' });
    writeFileSync(join(root, 'etc/shadow'), '');
    const other = await mounted({ root, owner, hidden: [join(root, 'etc')] });
    expect(await other.files.exists('/etc/passwd')).toBe(false);
  });
});

describe('where there are none they are made up', () => {
  const passwd = 'ann:x:41001:41100::/home/ann:/bin/zsh\nroot:x:0:0::/root:/bin/sh\n';
  const group = 'anns:x:41100:\nstaff:x:5000:ann\nroot:x:0:\n';

  it('in a tree with /etc, and in one without', async () => {
    const root = directory({ 'etc/hosts': '', 't/bin/sh': '' });
    for (const dialect of ['9P2000.L', '9P2000.u'] as const) {
      const { files } = await mounted({ root, owner, dialect, trees: ['/t', '/gone'] });
      expect(await names(files, '/etc')).toEqual(['group', 'hosts', 'passwd']);
      expect(await names(files, '/t')).toEqual(['bin', 'etc']);
      expect(await names(files, '/t/etc')).toEqual(['group', 'passwd']);
      for (const tree of ['', '/t']) {
        expect(await files.readFile(`${tree}/etc/passwd`, 'utf8')).toBe(passwd);
        expect(await files.readFile(`${tree}/etc/group`, 'utf8')).toBe(group);
        expect(await files.stat(`${tree}/etc/passwd`)).toMatchObject({
          kind: 'file',
          size: passwd.length,
        });
      }
      expect(await names(files, '/')).toEqual(['dev', 'etc', 'proc', 'sys', 't']);
    }
  });

  it('in all trees the same, be there tables or not', async () => {
    const root = directory({ 't/etc/passwd': 'bob:x:2:2::/b:/bin/sh\n' });
    const { files } = await mounted({ root, owner, trees: ['/t'] });
    const [own] = passwd.split('\n');
    expect(await files.readFile('/t/etc/passwd', 'utf8')).toBe(`${own}\nbob:x:2:2::/b:/bin/sh\n`);
    expect(await files.readFile('/t/etc/group', 'utf8')).toBe(group);
  });

  it('and cannot be written, removed or replaced', async () => {
    const { files } = await mounted({ root: directory({ file: 'x' }), owner });
    expect(await outcome(files.writeFile('/etc/passwd', 'x'))).toBe(Errno.EACCES);
    for (const act of [
      () => files.rm('/etc/passwd'),
      () => files.writeFile('/etc/shadow', 'x'),
      () => files.rename('/file', '/etc/passwd'),
      () => files.rename('/etc/passwd', '/passwd'),
    ]) {
      expect(await outcome(act())).toEqual(expect.any(Number));
    }
    expect(await files.readFile('/etc/passwd', 'utf8')).toBe(passwd);
  });

  it('but not where nobody says who the user is, and not where they are hidden', async () => {
    const root = directory({ 'etc/hosts': '' });
    const unsaid = await mounted({ root });
    expect(await names(unsaid.files, '/etc')).toEqual(['hosts']);
    const hidden = await mounted({ root, owner, hidden: [join(root, 'etc/passwd')] });
    expect(await names(hidden.files, '/etc')).toEqual(['group', 'hosts']);
    expect(await hidden.files.exists('/etc/passwd')).toBe(false);
  });

  it('name root once, if that is who the user is', async () => {
    const account = { ...owner.account, user: 'root', uid: 0, group: 'wheel', gid: 0, groups: [] };
    const { files } = await mounted({
      root: directory(),
      owner: { ...owner, node: account, account },
    });
    expect(await files.readFile('/etc/passwd', 'utf8')).toBe('root:x:0:0::/home/ann:/bin/zsh\n');
    expect(await files.readFile('/etc/group', 'utf8')).toBe('wheel:x:0:\n');
  });
});

describe('withLines', () => {
  it('keeps every other line, in order', () => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/);
    const line = fc.tuple(name, fc.nat(9), name).map(([a, n, rest]) => `${a}:x:${n}:${rest}`);
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (lines, own) => {
        const all = withLines(lines.join('\n'), own).split('\n').slice(0, -1);
        const taken = own.map((line) => line.split(':'));
        expect(all.slice(0, own.length)).toEqual(own);
        expect(all.slice(own.length)).toEqual(
          lines.filter((other) => {
            const [a, , n] = other.split(':');
            return !taken.some(([name, , number]) => name === a || number === n);
          }),
        );
      }),
    );
  });
});
