import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Errno } from '@xcpu/9p-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withLine } from '../../src/export/accounts.js';
import { directory, host, mounted, outcome } from './support.js';

const account = {
  ...{ user: 'ann', uid: 41_001, group: 'anns', gid: 41_100 },
  ...{ home: '/home/ann', shell: '/bin/zsh' },
};
const owner = { host, node: account, account };

describe('the files that name users', () => {
  const tree = () =>
    directory({
      'etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:7:7:Ann:/a:/bin/sh\nbob:x:41001:9::/b:/c\n',
      'etc/group': 'root:x:0:\nstaff:x:50:ann,bob',
    });

  it('name the user as the node does, and nobody else so', async () => {
    const { files } = await mounted({ root: tree(), owner });
    expect(await files.readFile('/etc/passwd', 'utf8')).toBe(
      'ann:x:41001:41100::/home/ann:/bin/zsh\nroot:x:0:0::/root:/bin/sh\n',
    );
    expect(await files.readFile('/etc/group', 'utf8')).toBe(
      'anns:x:41100:\nroot:x:0:\nstaff:x:50:ann,bob\n',
    );
    expect(await files.stat('/etc/passwd')).toMatchObject({ size: 64 });
  });

  it('are as they are where nobody says who the user is', async () => {
    const { files } = await mounted({ root: tree() });
    expect(await files.readFile('/etc/group', 'utf8')).toBe('root:x:0:\nstaff:x:50:ann,bob');
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

describe('withLine', () => {
  it('keeps every other line, in order', () => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/);
    const line = fc.tuple(name, fc.nat(9), name).map(([a, n, rest]) => `${a}:x:${n}:${rest}`);
    fc.assert(
      fc.property(fc.array(line), line, (lines, own) => {
        const [first, ...kept] = withLine(lines.join('\n'), own).trimEnd().split('\n');
        const [ownName, , ownNumber] = own.split(':');
        expect(first).toBe(own);
        expect(kept).toEqual(
          lines.filter((other) => {
            const [a, , n] = other.split(':');
            return a !== ownName && n !== ownNumber;
          }),
        );
      }),
    );
  });
});
