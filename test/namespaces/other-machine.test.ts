import { readdirSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { lacks } from '../support/needs.js';
import { FileSite, lacksNodeRoots } from './support.js';

const BUSYBOX = '/bin/busybox';

/** A node that says it is another kind of machine, and runs what this one does. */
describe.skipIf(
  lacksNodeRoots('busybox', 'setarch') || lacks('an x86-64 processor', process.arch === 'x64'),
)('a node of another kind', () => {
  let site: FileSite;
  let env: Record<string, string>;

  beforeAll(async () => {
    site = await FileSite.start(1, { machine: 'i686' });
    site.local(
      'mkdir -p sysroots/Linux/i686/bin sysroots/Linux/i686/etc own/bin; echo mine > own/data',
    );
    const bin = join(site.home, 'sysroots/Linux/i686/bin');
    await copyFile(BUSYBOX, join(bin, 'busybox'));
    site.local(`cd ${bin}; for name in sh ls cat uname id; do ln -s busybox $name; done`);
    env = { XCPU_SYSROOT: join(site.home, 'sysroots') };
  });
  afterAll(() => site?.stop());

  const run = (script: string, args: readonly string[] = []) =>
    site.xrx(['-c', '/', ...args, 'n1', 'sh', '-c', script], { env });

  test('sees the tree that is for it as its root, with the homes of this machine in it', async () => {
    const told = await run('uname -m; echo $XCPUARCHDIR; ls /home');
    expect(told).toMatchObject({ status: 0, stderr: '' });
    const homes = readdirSync('/home')
      .filter((name) => !name.startsWith('.'))
      .sort();
    expect(told.stdout.trim().split('\n')).toEqual([
      'i686',
      `${env.XCPU_SYSROOT}/Linux/i686`,
      ...homes,
    ]);
    const seen = (await run('ls /')).stdout.trim().split('\n');
    expect(seen).toEqual(expect.arrayContaining(['bin', 'dev', 'etc', 'home', 'proc', 'sys']));
    expect(seen).not.toContain('opt');
  });

  test('names the user and his groups there, be there such tables in the tree or not', async () => {
    const script = 'id -un; id -Gn; cat /etc/passwd';
    const named = `alice\n${ALICE.group} crew alpha\nalice:x:`;
    const told = await run(script);
    expect(told).toMatchObject({ status: 0, stderr: '' });
    expect(told.stdout).toMatch(new RegExp(`^${named}.*\nroot:.*\n$`));
    await site.write('sysroots/Linux/i686/etc/passwd', 'ann:x:7:7::/:/bin/sh\n');
    expect((await run(script)).stdout).toMatch(new RegExp(`^${named}.*\nann:.*\n$`));
  });

  test('writes into that tree as its user', async () => {
    expect(await run('echo kept > /etc/made')).toMatchObject({ status: 0, stderr: '' });
    expect(await site.read('sysroots/Linux/i686/etc/made')).toBe('kept\n');
  });

  test('has the user’s own tree where there is none for it', async () => {
    const own = await site.xrx(['n1', 'cat', 'own/data']);
    expect(own).toMatchObject({ status: 0, stdout: 'mine\n', stderr: '' });
  });

  test('has the homes where they are elsewhere, by a link from / on, whether there is a tree for it or not', async () => {
    site.local('mkdir -p away/data/home/ann away/bin; ln -s /data/home away/home');
    site.local('cp sysroots/Linux/i686/bin/busybox away/bin');
    site.local('cd away/bin; for name in sh ls cat; do ln -s busybox $name; done');
    site.local('mkdir -p away/trees/Linux away/none/Linux/riscv64');
    site.local(
      'cp -a sysroots/Linux/i686 away/trees/Linux; ln -s /nowhere away/trees/Linux/i686/home',
    );
    const root = join(site.home, 'away');
    for (const [trees, tree] of [
      ['trees', 'bin dev etc home proc sys'],
      ['none', 'bin data dev etc home none proc sys trees'],
    ] as const) {
      const told = await site.xrx(
        ['--root', root, '-c', '/home', 'n1', 'sh', '-c', 'echo $(ls) $(ls /)'],
        { env: { XCPU_SYSROOT: join(root, trees) } },
      );
      expect(told).toMatchObject({ status: 0, stdout: `ann ${tree}\n`, stderr: '' });
    }
  });
});
