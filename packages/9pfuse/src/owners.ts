import { Errno, NinePError } from '@xcpu/9p-protocol';

/** A user and a group by number. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the server's files are on this machine. */
export interface Owners {
  /** What stat(2) tells of a file that has this owner on the server. */
  shown(owner: Owner): Owner;
  /**
   * The server's number of a user or group of this machine, for chown(2).
   * @throws NinePError (EPERM) where it has none
   */
  asked(kind: 'uid' | 'gid', id: number): number;
  /** The group that a file is to have that a process with that group makes; undefined leaves it to the server. */
  groupOfNew(gid: number): number | undefined;
}

/** The same numbers on both sides. */
export const sameOwners: Owners = {
  shown: (owner) => owner,
  asked: (_kind, id) => id,
  groupOfNew: (gid) => gid,
};

/** All files are shown as this user's and, where one is given, this group's; what is left out is the same on both sides. */
export function ownersAs(shown: Partial<Owner>): Owners {
  const { uid: user, gid: group } = shown;
  return {
    shown: ({ uid, gid }) => ({ uid: user ?? uid, gid: group ?? gid }),
    asked(kind, id) {
      if (shown[kind] === undefined) return id;
      throw new NinePError('owners are not what the server has', Errno.EPERM);
    },
    groupOfNew: (gid) => (group === undefined && user === undefined ? gid : undefined),
  };
}

/**
 * All files are shown as this user's, who may have them made his, which is `server`'s there: for a user namespace in
 * which no other number means anything. Files of owners without a number there cannot even be written.
 */
export function ownersAlone(server: Owner, here: Owner): Owners {
  return {
    shown: () => here,
    asked(kind, id) {
      if (id === here[kind]) return server[kind];
      throw new NinePError('no such user or group on the server', Errno.EPERM);
    },
    groupOfNew: () => undefined,
  };
}

/** The user's own files are shown as his, and the other way round; all others have the numbers of the server. */
export function ownersMapped(server: Owner, here: Owner): Owners {
  return {
    shown: ({ uid, gid }) => ({
      uid: uid === server.uid ? here.uid : uid,
      gid: gid === server.gid ? here.gid : gid,
    }),
    asked: (kind, id) => (id === here[kind] ? server[kind] : id),
    groupOfNew: (gid) => (gid === here.gid ? undefined : gid),
  };
}
