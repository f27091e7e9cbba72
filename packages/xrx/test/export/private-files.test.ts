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
});
