import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaceRefusal } from '../../src/mounts/user-namespace.js';
import { temporaryDirectory } from '../support.js';
import { ALICE, bundled, lacksFuse } from './support.js';

test('settings that forbid user namespaces are named', () => {
  const root = temporaryDirectory();
  for (const folder of ['kernel', 'user']) mkdirSync(join(root, folder));
  const set = (file: string, value: string) => writeFileSync(join(root, file), `${value}\n`);
  expect(namespaceRefusal(root)).toBeUndefined();
  set('user/max_user_namespaces', '96365');
  set('kernel/unprivileged_userns_clone', '1');
  expect(namespaceRefusal(root)).toBeUndefined();
  set('kernel/apparmor_restrict_unprivileged_userns', '1');
  expect(namespaceRefusal(root)).toContain('kernel.apparmor_restrict_unprivileged_userns=1');
  set('user/max_user_namespaces', '0');
  expect(namespaceRefusal(root)).toMatch(/user\.max_user_namespaces=0.*xrx -l.*xrx --ship/);
});

describe.skipIf(lacksFuse())('a daemon that is not root', { timeout: 30_000 }, () => {
  let directory: string;
  let helper: string;
  let daemon: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'xcpufs-user-'));
    chmodSync(directory, 0o711);
    helper = await bundled('../../src/fuse-helper.ts', directory);
    daemon = await bundled('./as-user.ts', directory);
    for (const name of ['scratch', 'files']) {
      mkdirSync(join(directory, name));
      chownSync(join(directory, name), ALICE.uid, ALICE.gid);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** In a namespace with a /dev/fuse that everybody may open, as most machines have it. */
  function run(script: string): string {
    const prepare = `mount -t tmpfs tmpfs /mnt && mknod /mnt/fuse c 10 229 && chmod 666 /mnt/fuse
      mount --bind /mnt/fuse /dev/fuse
      exec setpriv --reuid=${ALICE.uid} --regid=${ALICE.gid} --clear-groups "$@"`;
    const [scratch, files] = [join(directory, 'scratch'), join(directory, 'files')];
    const command = [process.execPath, daemon, helper, scratch, files, script];
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-ec', prepare, 'sh', ...command],
      { encoding: 'utf8', timeout: 20_000 },
    );
    return stdout + stderr;
  }

  test('mounts in a user namespace, where the files are the user’s to work with', () => {
    const files = join(directory, 'files');
    writeFileSync(join(files, 'roots'), 'text\n', { mode: 0o644 });
    mkdirSync(join(files, 'common'));
    chmodSync(join(files, 'common'), 0o777);
    const script = `cat roots; ! test -w roots; cd common
      printf '#!/bin/sh\\necho runs\\n' > script; chmod 755 script; ./script; cp -p script copy
      stat -c %u copy; chown 0 copy && ! chown 7 copy 2>/dev/null && echo mine`;
    expect(run(script)).toBe('text\nruns\n0\nmine\n');
    expect(statSync(join(files, 'common/copy')).uid).toBe(ALICE.uid);
    expect(readdirSync(join(directory, 'scratch'))).toEqual([]);
  });

  test('where the kernel has no user namespaces for him, says which setting that is', () => {
    // The setting is of the user namespace that it is written in: here one for this test alone.
    const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces';
    const inside = spawnSync(
      'unshare',
      ['--user', '--map-root-user', '--mount', 'sh', '-c', `${forbid}; exec "$@"`, 'sh'].concat([
        process.execPath,
        daemon,
        helper,
        join(directory, 'scratch'),
        join(directory, 'files'),
      ]),
      { encoding: 'utf8', timeout: 20_000 },
    );
    expect(inside.stdout).toMatch(/^MountError: .*user\.max_user_namespaces=0.*xrx -l/);
  });
});
