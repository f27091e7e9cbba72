import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Errno, NinePError } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/wait.js';
import { type Connect, MountError } from '../../src/mounts/mounter.js';
import {
  ALICE,
  BOB,
  bundled,
  exported,
  fuseMounter,
  isOver,
  lacksFuse,
  Namespace,
  servedAs,
  servedBy,
} from './support.js';

describe.skipIf(lacksFuse())('FUSE mounts', { timeout: 30_000 }, () => {
  let directory: string;
  let program: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpufs-helper-'));
    await chmod(directory, 0o711);
    program = await bundled('../../src/fuse-helper.ts', directory);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('are seen there, not from outside, nor by other users', async () => {
    const [{ mounter }, place, home] = [fuseMounter(program), await Namespace.make(), exported()];
    writeFileSync(join(home.directory, 'file'), 'from home\n');
    await mounter.mount(place.request(), home.connect);
    expect(await place.run('cat file')).toEqual({ status: 0, text: 'from home\n' });
    expect(place.mounts).toEqual(['/mnt/1']);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toMatch(/ \/mnt\/1 /);
    const user = place.start('echo $$; read -r _');
    const [line] = await once(user.child.stdout, 'data');
    const other = await Namespace.make();
    expect((await other.run(`cat /proc/${Number(line)}/root/mnt/1/file`, BOB)).text).toMatch(
      /Permission denied/,
    );
    user.child.stdin.end();
    await user.outcome;
  });

  test('carry programs, and what users do with files', async () => {
    const [{ mounter }, place, home] = [fuseMounter(program), await Namespace.make(), exported()];
    const connect = servedAs(ALICE, await bundled('./serve.ts', directory), home.directory);
    copyFileSync('/bin/ls', join(home.directory, 'binary'));
    writeFileSync(join(home.directory, 'script'), '#!/bin/sh\necho script $1\n', { mode: 0o755 });
    writeFileSync(join(home.directory, 'roots'), 'x', { mode: 0o644 });
    writeFileSync(join(home.directory, 'secret'), 'x', { mode: 0o600 });
    await mounter.mount(place.request(), connect);
    expect((await place.run('cat secret')).text).toContain('Permission denied');
    const did = async (script: string) => {
      const { status, text } = await place.run(script);
      return status === 0 ? text : `${text}${status}`;
    };
    expect(await did('./script runs; ./binary -d .')).toBe('script runs\n.\n');
    expect(await did('echo text > new; chmod 640 new; cp -p new copy; stat -c "%a %u" copy')).toBe(
      '640 5001\n',
    );
    const [copy, original] = ['copy', 'new'].map((name) => statSync(join(home.directory, name)));
    expect(copy?.uid).toBe(ALICE.uid);
    // Node sets times to the microsecond.
    expect(copy?.mtimeMs).toBeCloseTo(original?.mtimeMs ?? 0, 2);
    expect(await did('mkdir sub && cd sub && pwd && mv ../copy . && rm copy')).toBe('/mnt/1/sub\n');
    expect(await did('test -x script && test -r script && ! test -x new && ! test -w roots')).toBe(
      '',
    );
  });

  test('leave it to the server what may be done', async () => {
    const [{ mounter }, place] = [fuseMounter(program), await Namespace.make()];
    const home = exported({ readonly: true });
    // The server is root here, whom modes do not keep out.
    writeFileSync(join(home.directory, 'closed'), 'open to the server', { mode: 0o600 });
    await mounter.mount(place.request(), home.connect);
    expect(await place.run('cat closed')).toEqual({ status: 0, text: 'open to the server' });
    expect((await place.run('echo > new')).text).toContain('Read-only file system');
  });

  test('can be read-only whatever the server allows', async () => {
    const [{ mounter }, place, home] = [fuseMounter(program), await Namespace.make(), exported()];
    await mounter.mount(place.request({ readOnly: true }), home.connect);
    expect((await place.run('echo > new')).text).toContain('Read-only file system');
    expect(readdirSync(home.directory)).toEqual([]);
  });

  test('end with their namespace, and leave nothing in the helper', async () => {
    const { mounter, helpers } = fuseMounter(program);
    const [first, home] = [await Namespace.make(), exported()];
    await mounter.mount(first.request(), home.connect);
    const [helper] = helpers();
    const descriptors = () => readdirSync(`/proc/${helper}/fd`).length;
    const place = await Namespace.make();
    const before = descriptors();
    const mounted = await mounter.mount(place.request(), home.connect);
    expect(descriptors()).toBe(before + 2);
    expect(await isOver(mounted)).toBe(false);
    await place.end();
    await mounted.ended;
    await eventually('no descriptors more', () => descriptors() === before);
    expect(await first.run('ls')).toEqual({ status: 0, text: '' });
  });

  test('whose conversation ends answer EIO, and programs go on', async () => {
    const [{ mounter }, place, home] = [fuseMounter(program), await Namespace.make(), exported()];
    writeFileSync(join(home.directory, 'file'), 'text');
    const mounted = await mounter.mount(place.request(), home.connect);
    const reader = place.start('cd /mnt/1; read -r _; cat file 2>&1; echo went on');
    mounted.close();
    await mounted.ended;
    reader.child.stdin.end('\n');
    expect((await reader.outcome).text).toMatch(/Input\/output error\nwent on\n$/);
    expect(place.mounts).toEqual(['/mnt/1']);
  });

  test('that are aborted end for whoever holds them, and leave nothing in the helper', async () => {
    const { mounter, helpers } = fuseMounter(program);
    const [place, other, home] = [await Namespace.make(), await Namespace.make(), exported()];
    writeFileSync(join(home.directory, 'file'), 'text');
    const first = await mounter.mount(other.request(), home.connect);
    const [helper] = helpers();
    const descriptors = () => readdirSync(`/proc/${helper}/fd`).length;
    const before = descriptors();
    const mounted = await mounter.mount(place.request(), home.connect);
    const holder = place.start('exec 3</mnt/1; read -r _; ls /proc/self/fd/3/. 2>&1; cd /mnt/1');
    await mounted.abort();
    await mounted.ended;
    expect(descriptors()).toBe(before);
    holder.child.stdin.end('\n');
    const { text } = await holder.outcome;
    expect(text.match(/not connected/g)).toHaveLength(1);
    expect(await other.run('cat file')).toEqual({ status: 0, text: 'text' });
    // It is over already, as are those of a helper that is no more.
    await mounted.abort();
    process.kill(helper as number, 'SIGKILL');
    await first.abort();
  });

  test('of a helper that is killed are gone, and the next mount starts another', async () => {
    const { mounter, helpers, logged } = fuseMounter(program);
    const [place, home] = [await Namespace.make(2), exported()];
    const mounted = await mounter.mount(place.request(), home.connect);
    const [helper] = helpers();
    const user = place.start('cd /mnt/1; echo > here; read -r _; echo > here');
    await eventually('a program in the mount', () => readdirSync(home.directory).length === 1);
    process.kill(helper as number, 'SIGKILL');
    await mounted.ended;
    user.child.stdin.end('\n');
    expect((await user.outcome).text).toMatch(/not connected|Input\/output error/);
    expect(await eventually('a line in the log', () => logged[0])).toMatch(/SIGKILL.* 1 mounts/);
    await mounter.mount(place.request({ directory: '/mnt/2' }), home.connect);
    expect(await place.run('ls', ALICE, '/mnt/2')).toEqual({ status: 0, text: 'here\n' });
    expect(helpers()).toHaveLength(1);
    expect(helpers()).not.toContain(helper);
  });

  test('of a mounter that is closed are gone, with its processes', async () => {
    const { mounter, helpers, logged, directory } = fuseMounter(program);
    const [place, home] = [await Namespace.make(), exported()];
    const mounted = await mounter.mount(place.request(), home.connect);
    expect(helpers()).toHaveLength(1);
    await mounter.close();
    await mounted.ended;
    expect(helpers()).toEqual([]);
    expect(logged).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
    await expect(mounter.mount(place.request(), home.connect)).rejects.toThrow('stopping');
  });

  test('a hundred at once', async () => {
    const { mounter, helpers } = fuseMounter(program);
    const [place, home] = [await Namespace.make(100), exported()];
    writeFileSync(join(home.directory, 'file'), 'x');
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        mounter.mount(place.request({ directory: `/mnt/${index + 1}` }), home.connect),
      ),
    );
    expect(helpers()).toHaveLength(2);
    const { text } = await place.run('for n in $(seq 100); do cat /mnt/$n/file; done');
    expect(text).toBe('x'.repeat(100));
    await place.end();
    await Promise.all(all.map(({ ended }) => ended));
  });

  test('beyond the limit are refused, until some have ended', async () => {
    const { mounter } = fuseMounter(program, 64);
    const [place, home] = [await Namespace.make(65), exported()];
    const mount = (number: number, at = place) =>
      mounter.mount(at.request({ directory: `/mnt/${number}` }), home.connect);
    const all = await Promise.all(Array.from({ length: 64 }, (_, index) => mount(index + 1)));
    await expect(mount(65)).rejects.toThrow('serves 64 mounts');
    await place.end();
    await Promise.all(all.map(({ ended }) => ended));
    const next = await Namespace.make(1);
    await eventually('room', () => mount(1, next).catch(() => undefined));
  });

  describe('that cannot be say why:', () => {
    const refusal = async (promise: Promise<unknown>) => {
      const error = await promise.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(MountError);
      return (error as Error).message;
    };

    test('no namespace of its own, no process, no directory', async () => {
      const [{ mounter }, place, home] = [fuseMounter(program), await Namespace.make(), exported()];
      const attempt = (more: object) => refusal(mounter.mount(place.request(more), home.connect));
      expect(await attempt({ pid: process.pid })).toContain('no mount namespace of its own');
      expect(await attempt({ pid: 4_194_304 })).toContain('has ended');
      expect(await attempt({ directory: '/mnt/none' })).toContain('/mnt/none');
      expect(place.mounts).toEqual([]);
    });

    test('a server that refuses, one that talks nonsense, one that goes away', async () => {
      const [{ mounter }, place] = [fuseMounter(program), await Namespace.make()];
      const attempt = (connect: Connect) => refusal(mounter.mount(place.request(), connect));
      const refuses = () => {
        throw new NinePError('not today', Errno.EACCES);
      };
      expect(await attempt(servedBy({ attach: refuses }))).toMatch(/permission denied/i);
      expect(await attempt((stream) => stream.write('nonsense'.repeat(100)))).not.toBe('');
      expect(await attempt((stream) => stream.destroy())).toMatch(/connection/);
      expect(place.mounts).toEqual([]);
    });

    test('a helper that cannot be started', async () => {
      const { mounter } = fuseMounter(join(directory, 'none.cjs'));
      const request = (await Namespace.make()).request();
      expect(await refusal(mounter.mount(request, () => {}))).toContain('cannot start');
    });
  });
});
