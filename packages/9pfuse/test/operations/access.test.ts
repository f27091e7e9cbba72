import type { Qid } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { CACHE_MODES, type CachePolicy } from '../../src/cache.js';
import { access } from '../../src/operations/access.js';
import { type Owners, ownersAlone, sameOwners } from '../../src/owners.js';
import { AccessMask, Opcode, ROOT_NODE } from '../../src/protocol/constants.js';
import type { Access } from '../../src/protocol/requests.js';
import { Pipeline } from '../../src/remote/pipeline.js';
import type { Remote, RemoteFile } from '../../src/remote/remote.js';
import { NodeTable } from '../../src/tree/node-table.js';
import { Volume } from '../../src/volume.js';

const { READ, WRITE, EXECUTE } = AccessMask;
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const USER = 1000;
const OTHER = 2000;

describe('access(2)', () => {
  const getattr = vi.fn();
  beforeEach(() => getattr.mockReset());

  function volumeOf(mode: number, uid: number, owners: Owners, cache: CachePolicy) {
    const file = fileOf(mode, uid);
    getattr.mockResolvedValue(file);
    return new Volume({
      ...{ remote: { getattr } as unknown as Remote, pipeline: new Pipeline(), owners, cache },
      nodes: new NodeTable({ client: {} } as Fid, file, 100),
      ...{ clientId: 'test', kernel: { forgetAttributes: () => {}, store: () => false } },
    });
  }

  interface Situation {
    readonly mode?: number;
    readonly owner?: number;
    readonly caller?: number;
    readonly owners?: Owners;
    readonly cache?: CachePolicy;
  }

  async function may(mask: number, situation: Situation): Promise<boolean> {
    const { mode = REGULAR, owner = USER, caller = USER, owners = sameOwners } = situation;
    const volume = volumeOf(mode, owner, owners, situation.cache ?? CACHE_MODES.open);
    const request = { opcode: Opcode.ACCESS, node: ROOT_NODE, uid: caller, mask } as Access;
    try {
      await access(volume, request, new AbortController().signal);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ errno: 13 });
      return false;
    }
  }

  test("goes by the owner's bits for the user's own files", async () => {
    const mode = REGULAR | 0o457;
    expect(await may(READ, { mode })).toBe(true);
    expect(await may(WRITE, { mode })).toBe(false);
    expect(await may(EXECUTE, { mode })).toBe(false);
    expect(await may(READ | WRITE, { mode: REGULAR | 0o600 })).toBe(true);
  });

  test('lets him read and search what anybody may, for he may have groups or powers there', async () => {
    const owner = OTHER;
    expect(await may(EXECUTE, { mode: DIRECTORY | 0o700, owner })).toBe(true);
    expect(await may(READ, { mode: REGULAR | 0o640, owner })).toBe(true);
    expect(await may(EXECUTE, { mode: REGULAR | 0o644, owner })).toBe(false);
  });

  test('lets him write what others than the owner may', async () => {
    const owner = OTHER;
    expect(await may(WRITE, { mode: REGULAR | 0o644, owner })).toBe(false);
    expect(await may(WRITE, { mode: REGULAR | 0o664, owner })).toBe(true);
    expect(await may(WRITE, { mode: DIRECTORY | 0o1777, owner })).toBe(true);
  });

  test("keeps root out of nothing but programs that are nobody's to run", async () => {
    const root = { owner: OTHER, caller: 0 };
    expect(await may(READ | WRITE, { mode: REGULAR, ...root })).toBe(true);
    expect(await may(EXECUTE, { mode: REGULAR | 0o666, ...root })).toBe(false);
    expect(await may(EXECUTE, { mode: DIRECTORY, ...root })).toBe(true);
  });

  test('knows the user by his number on the server', async () => {
    const owners = ownersAlone({ uid: USER, gid: USER }, { uid: 0, gid: 0 });
    expect(await may(WRITE, { mode: REGULAR | 0o644, caller: 0, owners })).toBe(true);
    expect(await may(WRITE, { mode: REGULAR | 0o644, owner: 0, caller: 0, owners })).toBe(false);
  });

  test('asks the server only where what it told is too old', async () => {
    await may(READ, { mode: REGULAR | 0o600 });
    expect(getattr).not.toHaveBeenCalled();
    await may(READ, { mode: REGULAR | 0o600, cache: CACHE_MODES.none });
    expect(getattr).toHaveBeenCalledOnce();
  });
});

function fileOf(mode: number, uid: number): RemoteFile {
  const times = { atime: 0, mtime: 0, ctime: 0, atimeNsec: 0, mtimeNsec: 0, ctimeNsec: 0 };
  const rest = { size: 0, blocks: 0, nlink: 1, rdev: 0, blksize: 4096, ino: 1 };
  const qid: Qid = { type: 0, version: 0, path: 1 };
  return { qid, birth: undefined, attributes: { ...times, ...rest, mode, uid, gid: uid } };
}
