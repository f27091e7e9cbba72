import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../support/command.js';
import { lacks } from '../support/needs.js';
import { processesWith } from '../support/processes.js';
import { eventually } from '../support/wait.js';
import type { RunningCommand } from './processes.js';
import { FuseSite, isMounted, lacksFuse } from './support.js';

describe.skipIf(lacksFuse())('when something ends', () => {
  let site: FuseSite;

  beforeEach(async () => {
    site = await FuseSite.start(null);
    await writeFile(join(site.served, 'file'), 'x'.repeat(1_000_000));
  });

  afterEach(async () => {
    await site.stop();
    await eventually('no process left', () => processesWith(site.directory).length === 0);
  });

  test('the server: everybody is told, and the mount is gone', async () => {
    const fuse = await site.mount();
    const reader = site.start('sh', [
      '-c',
      'exec 3<file; echo open; while head -c 1 <&3 >/dev/null && cat file >/dev/null; do :; done',
    ]);
    await reader.printed('open');
    site.server.child.kill('SIGKILL');
    const { status, stderr } = await fuse.result;
    expect(status).toBe(1);
    expect(stderr).toContain('unmounted');
    await reader.result;
    expect(await isMounted(site.mounted)).toBe(false);
  });

  test('a server that no longer answers does not keep processes from being interrupted', async () => {
    await site.mount();
    await site.shell('cat file > /dev/null');
    site.server.child.kill('SIGSTOP');
    const stuck = [
      site.start('sh', ['-c', 'exec ls -l nothing-of-this-name']),
      site.start('dd', ['if=/dev/zero', 'of=file', 'bs=100k', 'count=1', 'conv=notrunc']),
    ];
    for (const one of stuck) await eventually('a request that waits', () => waits(one));
    for (const { child } of stuck) child.kill('SIGINT');
    for (const { result } of stuck) expect((await result).signal).toBe('SIGINT');
    site.server.child.kill('SIGCONT');
    expect(await site.shell('wc -c < file')).toBe('1000000\n');
  });

  test('9pfuse, killed: nothing hangs, and its mount is taken away', async () => {
    const fuse = await site.mount();
    const reader = site.start('sh', ['-c', 'exec 3<file; echo open; sleep 600']);
    await reader.printed('open');
    fuse.child.kill('SIGKILL');
    await eventually('no mount', async () => !(await isMounted(site.mounted)));
    const { stdout } = await site.run('ls', [], { at: site.mounted });
    expect(stdout).toBe('');
    reader.child.kill('SIGKILL');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('9pfuse, by %s: it unmounts', async (signal) => {
    const fuse = await site.mount();
    await site.shell('echo late > written');
    fuse.child.kill(signal);
    expect(await fuse.result).toMatchObject({ status: 0, stderr: '' });
    expect(await isMounted(site.mounted)).toBe(false);
    expect(await site.shell('cat written', { at: site.served })).toBe('late\n');
  });

  test('9pfuse, by a signal while the mount is in use: what was mapped is written first', async () => {
    const fuse = await site.mount();
    const user = site.start('sh', ['-c', 'exec 3<>file; echo open; sleep 600']);
    await user.printed('open');
    fuse.child.kill('SIGTERM');
    expect((await fuse.result).status).toBe(0);
    expect(await isMounted(site.mounted)).toBe(false);
    user.child.kill('SIGKILL');
  });

  test('umount(8): 9pfuse ends', async () => {
    const fuse = await site.mount();
    await site.shell(`umount ${site.mounted}`, { at: '/' });
    expect(await fuse.result).toMatchObject({ status: 0, stderr: '' });
  });

  test('in the background it returns when the mount is there, and ends with it', async () => {
    const { status, stderr } = await runCommand('9pfuse', [site.socket, site.mounted]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await isMounted(site.mounted)).toBe(true);
    expect(await site.shell('wc -c < file')).toBe('1000000\n');
    await site.shell(`umount ${site.mounted}`, { at: '/' });
    await eventually('no process', () => processesWith(`-f\0${site.socket}`).length === 0);
  });

  test('refusals say what to do', async () => {
    const refused = async (...args: string[]) => (await runCommand('9pfuse', args)).stderr;
    expect(await refused(site.socket, join(site.directory, 'none'))).toMatch(
      /make it first \(mkdir /,
    );
    expect(await refused(site.socket, join(site.served, 'file'))).toMatch(/not a directory/);
    expect(await refused(join(site.directory, 'nobody'), site.mounted)).toMatch(/no such file/);
    expect(await refused(site.socket)).toMatch(/wanted: ADDRESS MOUNTPOINT/);
    expect(await refused('--cache', 'some', site.socket, site.mounted)).toMatch(
      /none, open, loose/,
    );
    expect(await refused('-o', 'fd=4', site.socket, site.mounted)).toMatch(/sets that itself/);
    await access(site.mounted);
    expect(await isMounted(site.mounted)).toBe(false);
  });
});

describe.skipIf(lacksFuse())('whose files', () => {
  let site: FuseSite;

  beforeEach(async () => {
    site = await FuseSite.start(null);
    await writeFile(join(site.served, 'file'), 'data', { mode: 0o600 });
  });

  afterEach(() => site.stop());

  const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];

  test("--uid and --gid show them as one user's", async () => {
    await site.mount(site.mounted, ['--allow-other', '--uid', '65534', '--gid', '65533']);
    expect(await site.shell('stat -c "%u %g" file')).toBe('65534 65533\n');
    const { stdout } = await site.run('setpriv', [...asNobody, 'cat', 'file']);
    expect(stdout).toBe('data');
    const changed = await site.run('chown', ['0', 'file']);
    expect(changed.stderr).toMatch(/Operation not permitted/);
  });

  test('nobody else comes in unless --allow-other says so, and then within their permissions', async () => {
    await site.mount();
    const { stderr } = await site.run('setpriv', [...asNobody, 'ls', site.mounted], { at: '/' });
    expect(stderr).toMatch(/Permission denied/);
    const open = join(site.directory, 'open');
    await mkdir(open);
    await site.shell(`chmod 755 ${site.directory}`, { at: '/' });
    await site.mount(open, ['--allow-other']);
    const listed = await site.run('setpriv', [...asNobody, 'ls', open], { at: '/' });
    expect(listed.stdout).toBe('file\n');
    const read = await site.run('setpriv', [...asNobody, 'cat', `${open}/file`], { at: '/' });
    expect(read.stderr).toMatch(/Permission denied/);
  });

  test('an ordinary user mounts in a namespace of his own', async ({ skip }) => {
    await site.shell(
      `chmod 755 ${site.directory}; chmod 666 ${site.socket}; chmod 644 ${site.served}/file; mkdir -m 777 ${site.directory}/here`,
      { at: '/' },
    );
    const bin = join(import.meta.dirname, '../../packages/9pfuse/dist/9pfuse.cjs');
    // A device that everybody may use, as most systems have it, for the length of the test.
    const script = `
      mknod ${site.directory}/fuse c 10 229; chmod 666 ${site.directory}/fuse
      mount --bind ${site.directory}/fuse /dev/fuse
      cp ${bin} ${site.directory}/9pfuse.cjs; cp ${process.execPath} ${site.directory}/node; chmod 755 ${site.directory}/node ${site.directory}/9pfuse.cjs
      export HOME=/
      exec setpriv ${asNobody.join(' ')} unshare -Urm sh -ec '
        ${site.directory}/node ${site.directory}/9pfuse.cjs --user nobody ${site.socket} ${site.directory}/here
        cat ${site.directory}/here/file; umount ${site.directory}/here'`;
    const result = await site.run('unshare', ['--mount', 'sh', '-ec', script], { at: '/' });
    const forbidden = /unshare: .*(not permitted|denied|No space)/i.exec(result.stderr);
    if (lacks(`namespaces of ordinary users (${forbidden?.[0]})`, !forbidden)) return skip();
    expect(result).toMatchObject({ status: 0, stdout: 'data' });
    const refused = await site.run(
      'setpriv',
      [...asNobody, process.execPath, bin, site.socket, site.mounted],
      { at: '/' },
    );
    expect(refused.status).not.toBe(0);
  });
});

/** Whether a process waits for the answer to a FUSE request. */
async function waits({ child }: RunningCommand): Promise<boolean> {
  const where = await readFile(`/proc/${child.pid}/wchan`, 'utf8');
  return where === 'request_wait_answer';
}
