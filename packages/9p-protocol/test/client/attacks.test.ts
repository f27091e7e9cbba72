import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type FileSystem, mount } from '../../src/client/index.js';
import {
  type AnyMessage,
  type Dialect,
  Errno,
  encodeDirent,
  encodeStat,
  MessageType,
  NinePError,
  transportPair,
} from '../../src/index.js';
import { directoryQid, hostile } from '../support/hostile.js';

const T = MessageType;

/** Everything that can be asked of a tree by path. */
const OPERATIONS: Record<string, (files: FileSystem, local: string) => Promise<unknown>> = {
  readFile: (files) => files.readFile('a'),
  writeFile: (files) => files.writeFile('a', 'x'),
  open: (files) => files.open('a', 'r+'),
  readdir: (files) => files.readdir('d'),
  stat: (files) => files.stat('a/b'),
  walk: (files) => files.walk('a'),
  mkdir: (files) => files.mkdir('d/e', { recursive: true }),
  rm: (files) => files.rm('d', { recursive: true }),
  rename: (files) => files.rename('a', 'b'),
  symlink: (files) => files.symlink('to', 'l'),
  readlink: (files) => files.readlink('l'),
  link: (files) => files.link('a', 'b'),
  chmod: (files) => files.chmod('a', 0o600),
  truncate: (files) => files.truncate('a'),
  statfs: (files) => files.statfs(),
  copyOut: (files, local) => files.copyOut('d', join(local, 'copy')),
};

describe.each(['9P2000', '9P2000.u', '9P2000.L'] as const)('in %s', (dialect) => {
  it.each(Object.entries(OPERATIONS))(
    'a server that refuses everything fails %s',
    async (_, run) => {
      const refusal =
        dialect === '9P2000.L'
          ? { type: T.Rlerror, ecode: Errno.EACCES }
          : { type: T.Rerror, ename: 'permission denied', errno: Errno.EACCES };
      const { files, asked } = await hostile(dialect, ({ type }) =>
        type === T.Tversion || type === T.Tattach ? undefined : refusal,
      );
      await expect(run(files, local())).rejects.toBeInstanceOf(NinePError);
      expect(asked.length).toBeLessThan(20);
      files.client.destroy();
    },
  );

  it.each(Object.entries(OPERATIONS))('a server that falls silent fails %s', async (_, run) => {
    let silent = false;
    const { files, peer } = await hostile(dialect, () => (silent ? NOTHING : undefined));
    silent = true;
    const failed = expect(run(files, local())).rejects.toMatchObject({ kind: 'closed' });
    await vi.waitUntil(() => peer.unread.length === 0);
    peer.transport.destroy();
    await failed;
  });

  it('a server of directories without end is not followed for ever', async () => {
    const { files } = await hostile(dialect, (message) => endless(message, dialect));
    const removed = files.rm('d', { recursive: true });
    await expect(removed).rejects.toMatchObject({ errno: Errno.ELOOP });
    const place = local();
    const copied = files.copyOut('d', join(place, 'copy'), { maxEntries: 100 });
    await expect(copied).rejects.toMatchObject({ errno: Errno.EFBIG });
    expect(readdirSync(place)).toEqual(['copy']);
    files.client.destroy();
  }, 30_000);
});

describe('a server that lists one name twice', () => {
  it('has no link written through that it had made before', async () => {
    const outside = local();
    const place = local();
    let asked = 0;
    const { files } = await hostile('9P2000.L', (message) => {
      if (message.type === T.Treaddir) {
        if (message.offset !== 0) return { type: T.Rreaddir, data: Buffer.alloc(0) };
        const entry = (type: number, offset: number) =>
          encodeDirent({ qid: { ...directoryQid, type: 0 }, offset, type, name: 'x' });
        return { type: T.Rreaddir, data: Buffer.concat([entry(10, 1), entry(4, 2)]) };
      }
      if (message.type === T.Twalk && message.names.length === 1 && message.fid !== 0) {
        // First a link out, then a directory with a file in it.
        const type = asked++ === 0 ? 2 : 0x80;
        return { type: T.Rwalk, qids: [{ ...directoryQid, type, path: 100 + asked }] };
      }
      if (message.type === T.Tgetattr) {
        const link = asked === 1;
        return {
          type: T.Rgetattr,
          valid: 0x7ff,
          qid: { ...directoryQid, type: link ? 2 : 0x80 },
          attributes: { ...attributes, mode: link ? 0o120777 : 0o40755 },
        };
      }
      if (message.type === T.Treadlink) return { type: T.Rreadlink, target: outside };
      return undefined;
    });
    await files.copyOut('d', join(place, 'copy')).catch(() => {});
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(join(place, 'copy'))).toBe(true);
    files.client.destroy();
  });
});

it('a server that answers the version it likes, and no other, is told so', async () => {
  const [ours, theirs] = transportPair();
  theirs.start({
    data: () => theirs.send([Buffer.alloc(3), Buffer.from('garbage that is no message')]),
    drain: () => {},
    close: () => {},
  });
  await expect(mount(ours, { uname: 'me' })).rejects.toMatchObject({ kind: 'protocol' });
});

const NOTHING = Buffer.alloc(0);
const attributes = {
  ...{ mode: 0o40755, uid: 0, gid: 0, nlink: 1, rdev: 0, size: 0, blksize: 0, blocks: 0 },
  ...{ atimeSec: 0, atimeNsec: 0, mtimeSec: 0, mtimeNsec: 0, ctimeSec: 0, ctimeNsec: 0 },
  ...{ btimeSec: 0, btimeNsec: 0, gen: 0, dataVersion: 0 },
};

/** Every directory has one in it. */
function endless(message: AnyMessage, dialect: Dialect) {
  const again = 'offset' in message && message.offset !== 0;
  if (message.type === T.Treaddir) {
    const entry = { qid: directoryQid, offset: 1, type: 4, name: 'd' };
    return { type: T.Rreaddir, data: again ? NOTHING : encodeDirent(entry) };
  }
  const stat = {
    ...{ type: 0, dev: 0, qid: directoryQid, mode: 0x800001ed, atime: 0, mtime: 0, length: 0 },
    ...{ name: 'd', uid: '', gid: '', muid: '' },
  };
  if (message.type === T.Tread) {
    return { type: T.Rread, data: again ? NOTHING : encodeStat(stat, dialect) };
  }
  if (message.type === T.Tstat) return { type: T.Rstat, stat };
  if (message.type === T.Tgetattr) {
    return { type: T.Rgetattr, valid: 0x7ff, qid: directoryQid, attributes };
  }
  return undefined;
}

function local(): string {
  const path = mkdtempSync(join(tmpdir(), '9p-client-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
