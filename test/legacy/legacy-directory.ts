import { encodeStat, ModeBit, type Qid, QidType } from '@xcpu/9p-protocol';
import { LEGACY_ADMIN } from './legacy-users.js';

/** The files of a legacy node's root, with their permissions. */
export const ROOT_FILES: Readonly<Record<string, number>> = {
  clone: 0o444,
  ctl: 0o664,
  arch: 0o444,
  env: 0o664,
  procs: 0o444,
  state: 0o664,
  passkey: 0o444,
  pwent: 0o440,
  grent: 0o440,
  ns: 0o664,
};

const ADMIN_ID = 65_530;

/** What reading a legacy node's root yields: its files, then its sessions. */
export function rootListing(sessions: readonly string[], qidOf: (path: string) => Qid): Buffer {
  const directories = sessions.map((sid) => [sid, 0o555 | ModeBit.DIR] as const);
  const entries = [...Object.entries(ROOT_FILES), ...directories];
  const stats = entries.map(([name, mode]) =>
    encodeStat(
      {
        ...{ type: 0, dev: 0, mode, atime: 0, mtime: 0, length: 0, name, extension: '' },
        ...{ uid: LEGACY_ADMIN, gid: LEGACY_ADMIN, muid: LEGACY_ADMIN },
        ...{ nUid: ADMIN_ID, nGid: ADMIN_ID, nMuid: ADMIN_ID },
        qid: { ...qidOf(name), type: mode & ModeBit.DIR ? QidType.DIR : QidType.FILE },
      },
      '9P2000.u',
    ),
  );
  return Buffer.concat(stats);
}
