import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { privateFiles } from '../../src/export/private-files.js';
import { directory } from './support.js';

describe('privateFiles', () => {
  const home = '/home/u';

  it('are keys, passwords and accounts of the user, whether there or not', () => {
    const paths = privateFiles({ home, uid: 1000, keyFiles: ['/keys/mine'] });
    const wanted = ['.ssh', '.gnupg', '.aws', '.config/gcloud', '.kube', '.netrc', '.mozilla'];
    expect(paths).toEqual(expect.arrayContaining(wanted.map((name) => join(home, name))));
    expect(paths).toEqual(
      expect.arrayContaining(['/keys/mine', '/etc/shadow', '/tmp/krb5cc_1000']),
    );
    expect(paths.every((path) => path.startsWith('/'))).toBe(true);
    expect(paths).not.toContain('/root/.ssh');
  });

  it('are everybody’s where root asks', () => {
    const top = directory({ passwd: 'a:x:1:1::/home/a:/bin/sh\nb:x:2:2::/:/bin/sh\nbad\n' });
    const paths = privateFiles({ home: '/root', uid: 0, passwd: join(top, 'passwd') });
    expect(paths).toEqual(expect.arrayContaining(['/root/.ssh', '/home/a/.ssh']));
    expect(paths).not.toContain('/.ssh');
    expect(privateFiles({ home: '/root', uid: 0, passwd: '/no/such' })).toContain('/root/.ssh');
  });

  it('are those that the environment names', () => {
    const env = {
      XCPU_ADMIN_KEY: '/keys/admin',
      KUBECONFIG: '/a/kube:/b/kube:relative',
      KRB5CCNAME: 'FILE:/run/cc',
      DOCKER_CONFIG: '/c',
      NETRC: '',
    };
    const named = privateFiles({ home, uid: 1, env });
    expect(named).toEqual(
      expect.arrayContaining(['/keys/admin', '/a/kube', '/b/kube', '/run/cc', '/c/config.json']),
    );
    expect(named).not.toContain('relative');
    expect(privateFiles({ home, uid: 1, env: { KRB5CCNAME: 'KEYRING:persistent:1' } })).toEqual(
      privateFiles({ home, uid: 1 }),
    );
  });

  it('are the keys that ssh is told of, for the user and for all', () => {
    const home = directory({
      '.ssh/config':
        'Host w\n IdentityFile ~/keys2/work\n IdentityFile ~/keys2\n IdentityFile /dev/null',
      'keys2/work': '',
      system: 'IdentityFile %d/everybody\nCertificateFile ~/cert',
    });
    const paths = privateFiles({ home, uid: 1000, sshConfig: join(home, 'system') });
    const wanted = ['keys2/work', 'everybody', 'cert'].map((name) => join(home, name));
    expect(paths).toEqual(expect.arrayContaining(wanted));
    expect(paths).not.toContain(join(home, 'keys2'));
    expect(paths).not.toContain('/dev/null');
  });

  it('are below the home that passwd tells as well as below $HOME', () => {
    const passwdHome = directory({ '.ssh/config': 'IdentityFile ~/mine' });
    const paths = privateFiles({ home, passwdHome, uid: 1000 });
    const wanted = [join(home, '.ssh'), join(passwdHome, '.ssh'), join(passwdHome, 'mine')];
    expect(paths).toEqual(expect.arrayContaining(wanted));
  });

  it.skipIf(process.getuid?.() !== 0)(
    'are of other users what they name of their own, where root asks',
    () => {
      const top = directory({ 'ann/.ssh/config': '', 'bob/key': '', 'bob/file': '' });
      const config = `IdentityFile ~/key\nIdentityFile ~bob/key\nIdentityFile ${top}/bob/file`;
      writeFileSync(join(top, 'ann/.ssh/config'), config);
      for (const name of ['ann', 'ann/.ssh', 'bob/file']) chownSync(join(top, name), 7, 7);
      chownSync(join(top, 'bob/key'), 8, 8);
      const lines = ['ann', 'bob'].map((name) => `${name}:x:7:7::${top}/${name}:/bin/sh\n`);
      writeFileSync(join(top, 'passwd'), lines.join(''));
      const paths = privateFiles({ home: '/root', uid: 0, passwd: join(top, 'passwd') });
      expect(paths).toEqual(expect.arrayContaining([join(top, 'ann/key'), join(top, 'bob/file')]));
      expect(paths).not.toContain(join(top, 'bob/key'));
    },
  );
});
