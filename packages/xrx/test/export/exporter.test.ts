import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Dialect, Errno } from '@xcpu/9p-protocol';
import { linux } from '@xcpu/9p-protocol/client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import { exportFiles } from '../../src/export/exporter.js';
import { directory, mounted, names, outcome } from './support.js';

const SECRET = 'the private key';
const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];

/** A home with things to hide. */
function home(): string {
  return directory({
    'home/u/.ssh/id_rsa': SECRET,
    'home/u/.ssh/config': 'Host *',
    'home/u/.ssh/sub/deep': SECRET,
    'home/u/.netrc': SECRET,
    'home/u/.config/gcloud/token': SECRET,
    'home/u/.config/app': 'settings',
    'home/u/project/in.txt': 'data',
  });
}

const HIDDEN = ['.ssh', '.netrc', '.config/gcloud', '.config/missing', '.aws'];
const hiddenIn = (root: string) => HIDDEN.map((name) => join(root, 'home/u', name));

describe.each(dialects)('what is exported, in %s', (dialect) => {
  /** 9P2000 has words for errors, and no numbers. */
  const error = (errno: number): unknown => (dialect === '9P2000' ? expect.any(Number) : errno);

  it('is read, written, made, moved and removed', async () => {
    const root = home();
    const { files } = await mounted({ root, hidden: hiddenIn(root), dialect });
    expect(await files.readFile('/home/u/project/in.txt', 'utf8')).toBe('data');
    await files.writeFile('/home/u/project/out', 'results');
    expect(readFileSync(join(root, 'home/u/project/out'), 'utf8')).toBe('results');
    await files.mkdir('/home/u/project/d');
    await files.rename('/home/u/project/out', '/home/u/project/renamed');
    expect(await names(files, '/home/u/project')).toEqual(
      expect.arrayContaining(['d', 'in.txt', 'renamed']),
    );
    await files.rm('/home/u/project', { recursive: true });
    expect(existsSync(join(root, 'home/u/project'))).toBe(false);
  });

  it('does not have what is hidden', async () => {
    const root = home();
    const { files } = await mounted({ root, hidden: hiddenIn(root), dialect });
    expect(await names(files, '/home/u')).toEqual(expect.arrayContaining(['.config', 'project']));
    expect(await names(files, '/home/u')).toHaveLength(2);
    expect(await names(files, '/home/u/.config')).toEqual(['app']);
    for (const name of [...HIDDEN, '.ssh/id_rsa', '.config/gcloud/token', 'work/../.netrc']) {
      expect(await files.exists(`/home/u/${name}`), name).toBe(false);
    }
  });

  it('cannot be made where something is hidden, or is not there yet', async () => {
    const root = home();
    const { files } = await mounted({ root, hidden: hiddenIn(root), dialect });
    for (const name of ['.ssh', '.netrc', '.aws', '.config/missing']) {
      const path = `/home/u/${name}`;
      expect(await outcome(files.mkdir(path)), name).toEqual(error(Errno.EACCES));
      expect(await outcome(files.writeFile(path, 'x')), name).toEqual(error(Errno.EACCES));
      // The older dialects rename within a directory.
      if (dialect === '9P2000.L' || !name.includes('/')) {
        const renamed = outcome(files.rename('/home/u/project', path));
        expect(await renamed, name).toEqual(error(Errno.EACCES));
      }
      if (dialect !== '9P2000') {
        expect(await outcome(files.symlink('/etc', path)), name).toEqual(error(Errno.EACCES));
        expect(await outcome(files.link('/home/u/project/in.txt', path)), name).toBe(
          error(Errno.EACCES),
        );
      }
    }
    expect(readFileSync(join(root, 'home/u/.netrc'), 'utf8')).toBe(SECRET);
    expect(existsSync(join(root, 'home/u/.aws'))).toBe(false);
  });

  it('has empty directories in place of dev, proc and sys, and where a node mounts', async () => {
    const root = directory({ 'proc/self/environ': SECRET, dev: 'a file', 'home/x': 'x' });
    const mountPoints = ['/home', '/srv/data', '/opt'];
    const { files } = await mounted({ root, mountPoints, dialect });
    const all = ['dev', 'home', 'opt', 'proc', 'srv', 'sys'];
    expect(await names(files, '/')).toEqual(all);
    for (const name of ['dev', 'proc', 'sys', 'opt', 'srv/data']) {
      expect(await names(files, `/${name}`), name).toEqual([]);
      expect(await files.stat(`/${name}`)).toMatchObject({ kind: 'directory', mode: 0o555 });
    }
    expect(await names(files, '/srv')).toEqual(['data']);
    expect(await names(files, '/home')).toEqual(['x']);
    expect(await files.exists('/proc/self')).toBe(false);
    expect(await names(files, '/srv/data/../../proc/..')).toHaveLength(all.length);
    expect(await outcome(files.mkdir('/sys'))).toEqual(error(Errno.EEXIST));
    expect(await outcome(files.mkdir('/srv'))).toEqual(error(Errno.EEXIST));
    expect(await outcome(files.writeFile('/sys/x', 'x'))).toEqual(error(Errno.EPERM));
    expect(await outcome(files.rm('/sys'))).toEqual(error(Errno.EPERM));
    expect(lstatSync(join(root, 'dev')).isFile()).toBe(true);
  });

  it('cannot be changed if it is read-only', async () => {
    const root = home();
    const { files } = await mounted({ root, readOnly: true, dialect });
    expect(await files.readFile('/home/u/project/in.txt', 'utf8')).toBe('data');
    expect(await outcome(files.writeFile('/home/u/project/in.txt', 'x'))).toEqual(
      error(Errno.EROFS),
    );
    expect(await outcome(files.mkdir('/home/u/d'))).toEqual(error(Errno.EROFS));
    expect(await outcome(files.rm('/home/u/project/in.txt'))).toEqual(error(Errno.EROFS));
  });
});

describe('what is hidden', () => {
  it('is hidden by other names too: hard links, targets of symbolic links', async () => {
    const root = home();
    const at = (path: string) => join(root, path);
    mkdirSync(at('usb/keys'), { recursive: true });
    writeFileSync(at('usb/key'), SECRET);
    writeFileSync(at('usb/keys/aws'), SECRET);
    symlinkSync(at('usb/key'), at('home/u/.ssh/stick'));
    symlinkSync('../../usb/keys', at('home/u/.aws'));
    linkSync(at('home/u/.ssh/id_rsa'), at('home/u/project/copy'));
    linkSync(at('home/u/.ssh/sub/deep'), at('home/u/project/deep'));
    linkSync(at('home/u/.netrc'), at('home/u/project/netrc'));
    const { files } = await mounted({ root, hidden: hiddenIn(root) });
    expect(await names(files, '/home/u/project')).toEqual(['in.txt']);
    expect(await names(files, '/usb')).toEqual([]);
    for (const path of [
      '/home/u/project/copy',
      '/home/u/project/deep',
      '/usb/key',
      '/usb/keys/aws',
    ]) {
      expect(await outcome(files.readFile(path)), path).toBe(Errno.ENOENT);
      expect(await outcome(files.rm(path)), path).toBe(Errno.ENOENT);
    }
    const work = await files.walk('/home/u/project');
    const opened = linux.lcreate(work, 'copy', 2, 0o600);
    expect(await outcome(opened)).toBe(Errno.EACCES);
    expect(await outcome(files.rename('/home/u/project/in.txt', '/home/u/project/copy'))).toBe(
      Errno.EACCES,
    );
    expect(readFileSync(at('home/u/project/copy'), 'utf8')).toBe(SECRET);
  });

  it('stays hidden whatever a node moves, removes or replaces on the way to it', async () => {
    const root = home();
    const at = (path: string) => join(root, path);
    mkdirSync(at('home/u/dots/v1/gh'), { recursive: true });
    writeFileSync(at('home/u/dots/v1/gh/token'), SECRET);
    symlinkSync('v1', at('home/u/dots/current'));
    symlinkSync('dots/current/gh', at('home/u/.gh'));
    const hidden = [...hiddenIn(root), at('home/u/.gh')];
    const { files, clock } = await mounted({ root, hidden });
    const ways = ['home', 'home/u', 'home/u/.config', 'home/u/dots', 'home/u/dots/v1'];
    for (const way of ways) {
      expect(await outcome(files.rename(`/${way}`, '/moved')), way).toBe(Errno.EACCES);
    }
    const links = ['home/u/dots/current'];
    for (const way of links) {
      expect(await outcome(files.rename(`/${way}`, '/moved')), way).toBe(Errno.EACCES);
      expect(await outcome(files.rm(`/${way}`)), way).toBe(Errno.EACCES);
      expect(await outcome(files.rename('/home/u/project/in.txt', `/${way}`)), way).toBe(
        Errno.EACCES,
      );
    }
    expect(await outcome(files.rm('/home/u/.gh'))).toBe(Errno.ENOENT);
    clock.now += 2000;
    expect(await outcome(files.readFile('/home/u/dots/v1/gh/token'))).toBe(Errno.ENOENT);
    expect(await names(files, '/home/u/dots/v1')).toEqual([]);
  });

  it('may be laid no trap for before it is there', async () => {
    const root = directory({ 'home/u/pub/x': 'x' });
    const hidden = [join(root, 'home/u/.config/gcloud')];
    const { files, clock } = await mounted({ root, hidden });
    expect(await outcome(files.symlink('pub', '/home/u/.config'))).toBe(Errno.EACCES);
    await files.mkdir('/home/u/trap');
    expect(await outcome(files.rename('/home/u/trap', '/home/u/.config'))).toBe(Errno.EACCES);
    await files.mkdir('/home/u/.config');
    const kept = await files.walk('/home/u/.config');
    mkdirSync(join(root, 'home/u/.config/gcloud'));
    writeFileSync(join(root, 'home/u/.config/gcloud/token'), SECRET);
    expect(await outcome(kept.walk(['gcloud', 'token']))).toBe(Errno.ENOENT);
    // The user himself puts it elsewhere, and leads the name there.
    renameSync(join(root, 'home/u/.config/gcloud'), join(root, 'home/u/pub/cloud'));
    symlinkSync('../pub/cloud', join(root, 'home/u/.config/gcloud'));
    clock.now += 1000;
    expect(await outcome(files.readFile('/home/u/pub/cloud/token'))).toBe(Errno.ENOENT);
  });

  it('is found anew within a second, and inodes that are used again are not hidden', async () => {
    const root = home();
    const at = (path: string) => join(root, path);
    const { files, clock } = await mounted({ root, hidden: hiddenIn(root) });
    expect(await files.exists('/home/u/project')).toBe(true);
    writeFileSync(at('home/u/.ssh/new'), SECRET);
    linkSync(at('home/u/.ssh/new'), at('home/u/project/new'));
    clock.now += 1000;
    expect(await files.exists('/home/u/project/new')).toBe(false);
    // The file is no longer hidden, though what is known of it is fresh.
    renameSync(at('home/u/.ssh/new'), at('home/u/public'));
    expect(await files.exists('/home/u/project/new')).toBe(true);
  });

  it('is found where there was nothing for a long time', async () => {
    const root = home();
    const at = (path: string) => join(root, path);
    symlinkSync('nowhere', at('home/u/.aws'));
    const hidden = [...hiddenIn(root), at('home/u/.kube/config'), at('home/u/.pgpass')];
    const { files, clock } = await mounted({ root, hidden });
    // So that directories count as left alone since.
    const later = Date.now() + 60_000;
    vi.spyOn(Date, 'now').mockImplementation(() => later);
    onTestFinished(() => void vi.restoreAllMocks());
    for (let look = 0; look < 2; look++, clock.now += 1000) {
      expect(await files.exists('/home/u/project/in.txt')).toBe(true);
    }
    mkdirSync(at('home/u/.kube'));
    mkdirSync(at('home/u/nowhere'));
    const secrets = ['.kube/config', '.pgpass', 'nowhere/credentials'];
    secrets.forEach((secret, index) => {
      writeFileSync(at(`home/u/${secret}`), SECRET);
      linkSync(at(`home/u/${secret}`), at(`home/u/project/${index}`));
    });
    clock.now += 1000;
    expect(await names(files, '/home/u/project')).toEqual(['in.txt']);
    for (const index of secrets.keys()) {
      expect(await files.exists(`/home/u/project/${index}`)).toBe(false);
    }
  });

  it('may be shown, in whole or in part', async () => {
    const root = home();
    const at = (path: string) => join(root, path);
    const shown = [at('home/u/.ssh/config'), at('home/u/.config/gcloud'), at('home/u/.ssh/known')];
    const { files } = await mounted({ root, hidden: hiddenIn(root), shown });
    expect(await names(files, '/home/u')).toEqual(['.config', '.ssh', 'project']);
    expect(await names(files, '/home/u/.ssh')).toEqual(['config']);
    expect(await files.readFile('/home/u/.ssh/config', 'utf8')).toBe('Host *');
    expect(await files.readFile('/home/u/.config/gcloud/token', 'utf8')).toBe(SECRET);
    expect(await outcome(files.readFile('/home/u/.ssh/id_rsa'))).toBe(Errno.ENOENT);
    expect(await outcome(files.writeFile('/home/u/.ssh/authorized_keys', 'x'))).toBe(Errno.EACCES);
    await files.writeFile('/home/u/.ssh/known', 'x');
    expect(readFileSync(at('home/u/.ssh/known'), 'utf8')).toBe('x');
  });

  it('does not take the directory with it that a link leads up to', async () => {
    const root = home();
    symlinkSync('..', join(root, 'home/u/.aws'));
    const { files } = await mounted({ root, hidden: hiddenIn(root) });
    expect(await files.exists('/home/u/project/in.txt')).toBe(true);
  });

  it('counts with a root that lies elsewhere, or is a link', async () => {
    const root = home();
    symlinkSync('home/u', join(root, 'link'));
    linkSync(join(root, 'home/u/.netrc'), join(root, 'home/u/project/netrc'));
    const { files } = await mounted({ root: join(root, 'home/u/project'), hidden: hiddenIn(root) });
    expect(await names(files, '/')).toEqual(expect.arrayContaining(['in.txt', 'dev']));
    expect(await files.exists('/netrc')).toBe(false);
    const linked = await mounted({ root: join(root, 'link'), hidden: [join(root, 'link/.netrc')] });
    expect(await linked.files.exists('/.netrc')).toBe(false);
    expect(await linked.files.exists('/.ssh/id_rsa')).toBe(true);
  });
});

describe('the kernel’s own files', () => {
  it('are not exported', async () => {
    const { files } = await mounted({ root: '/' });
    for (const name of ['proc', 'sys', 'dev']) {
      expect(await names(files, `/${name}`), name).toEqual([]);
      expect(await outcome(files.readFile(`/${name}/self/environ`))).toBe(Errno.ENOENT);
    }
    for (const root of ['/proc', '/proc/self', '/sys/kernel', '/dev', '/dev/pts']) {
      expect(() => exportFiles({ root }), root).toThrow("the kernel's own files are not exported");
    }
  });
});

describe('a root', () => {
  it('that is hidden is refused, and shown if that is said', async () => {
    const root = home();
    const ssh = join(root, 'home/u/.ssh');
    const options = { root: join(ssh, 'sub'), hidden: [ssh] };
    expect(() => exportFiles(options)).toThrow(/is hidden from nodes; --show .*sub makes an/);
    const { files } = await mounted({ ...options, shown: [join(ssh, 'sub')] });
    expect(await files.exists('/deep')).toBe(true);
  });

  it('that is missing is told', () => {
    expect(() => exportFiles({ root: '/no/such' })).toThrow(
      'cannot export /no/such: no such file or directory',
    );
  });
});

describe.skipIf(lacksRoot())('owners', () => {
  const mine = { uid: 1234, gid: 2345 };
  const there = { uid: 5001, gid: 5002 };
  const owner = { host: mine, node: there };

  function owned(): string {
    const root = directory({ mine: '', roots: '', 'same-number': '', 'd/x': '' });
    chownSync(join(root, 'mine'), mine.uid, mine.gid);
    chownSync(join(root, 'same-number'), there.uid, there.gid);
    chmodSync(root, 0o777);
    return root;
  }

  it('are the user’s own there, and nobody’s where only the number is his', async () => {
    const root = owned();
    const { files } = await mounted({ root, owner });
    expect(await files.stat('/mine')).toMatchObject(there);
    expect(await files.stat('/roots')).toMatchObject({ uid: 0, gid: 0 });
    expect(await files.stat('/same-number')).toMatchObject({ uid: 65534, gid: 65534 });
  });

  it('are told by name and number in 9P2000.u, in listings too', async () => {
    const root = owned();
    const { files } = await mounted({ root, owner, dialect: '9P2000.u' });
    expect(await files.stat('/roots')).toMatchObject({ uid: 0, user: 'root' });
    expect(await files.stat('/mine')).toMatchObject({ ...there, user: '1234' });
    const listed = new Map<string, unknown>();
    for await (const { name, stat } of files.entries('/', { stat: true })) listed.set(name, stat);
    expect(listed.get('mine')).toMatchObject(there);
    expect(listed.get('same-number')).toMatchObject({ uid: 65534, user: 'nobody' });
    expect(listed.get('dev')).toMatchObject({ uid: 0 });
  });

  it('are given back as the user’s own here', async () => {
    const root = owned();
    const { files } = await mounted({ root, owner });
    await files.chown('/roots', there.uid, there.gid);
    expect(statSync(join(root, 'roots'))).toMatchObject(mine);
    await files.chown('/roots', 77, 78);
    expect(statSync(join(root, 'roots'))).toMatchObject({ uid: 77, gid: 78 });
    expect(await outcome(files.chown('/mine', mine.uid, mine.gid))).toBe(Errno.EPERM);
    const u = await mounted({ root, owner, dialect: '9P2000.u' });
    await u.files.chown('/roots', there.uid, there.gid);
    expect(statSync(join(root, 'roots'))).toMatchObject(mine);
  });

  it('of new files are the user’s, unless the group is one that both sides know', async () => {
    const root = owned();
    const { files } = await mounted({ root, owner });
    for (const [name, gid, wanted] of [
      ['a', there.gid, 0],
      ['b', mine.gid, 0],
      ['c', 79, 79],
    ] as const) {
      await linux.mkdir(await files.walk('/'), name, 0o755, { gid });
      expect(statSync(join(root, name)).gid, name).toBe(wanted);
    }
  });

  it('only the user himself and root may attach', async () => {
    const root = owned();
    for (const nUname of [there.uid, 0]) {
      expect(await (await mounted({ root, owner, nUname })).files.exists('/mine')).toBe(true);
    }
    expect(await outcome(mounted({ root, owner, nUname: mine.uid }))).toBe(Errno.EACCES);
  });
});
