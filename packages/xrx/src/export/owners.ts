import { type Attributes, Errno, NinePError, type Stat } from '@xcpu/9p-protocol';
import type { AttributeChanges, StatChanges } from '@xcpu/9p-protocol/server';

/** A user and his default group by number. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Linux's own number for who has none here (overflowuid), and how that one is called. */
const NOBODY = 65_534;
const NOBODY_NAME = 'nobody';

/**
 * Whose a file is, on one node. The invoking user's files and those of his default group are shown as his there, and
 * the other way round. Other numbers are the same on both sides, but for one that is the user's on the node and
 * another's here: that is shown as nobody's, for it is not his.
 */
export class Owners {
  readonly #uid: IdMap;
  readonly #gid: IdMap;

  constructor(host: Owner, node: Owner) {
    this.#uid = new IdMap(host.uid, node.uid);
    this.#gid = new IdMap(host.gid, node.gid);
  }

  /** The attributes with the owners that the node is to see. */
  attributes(attributes: Attributes): Attributes {
    if (this.#uid.same && this.#gid.same) return attributes;
    const [uid, gid] = [this.#uid.shown(attributes.uid), this.#gid.shown(attributes.gid)];
    return { ...attributes, uid, gid };
  }

  /** The same for 9P2000 and 9P2000.u, where owners have names too: those that they have here. */
  stat(stat: Stat): Stat {
    if (this.#uid.same && this.#gid.same) return stat;
    const { nUid = NOBODY, nGid = NOBODY, nMuid = nUid } = stat;
    return {
      ...stat,
      uid: this.#uid.foreign(nUid) ? NOBODY_NAME : stat.uid,
      gid: this.#gid.foreign(nGid) ? NOBODY_NAME : stat.gid,
      muid: this.#uid.foreign(nMuid) ? NOBODY_NAME : stat.muid,
      nUid: this.#uid.shown(nUid),
      nGid: this.#gid.shown(nGid),
      nMuid: this.#uid.shown(nMuid),
    };
  }

  /** @throws NinePError (EPERM) for an owner that nobody has here */
  changes(changes: AttributeChanges): AttributeChanges {
    const { uid, gid } = changes;
    if (uid === undefined && gid === undefined) return changes;
    return {
      ...changes,
      ...(uid !== undefined && { uid: this.#uid.asked(uid) }),
      ...(gid !== undefined && { gid: this.#gid.asked(gid) }),
    };
  }

  /** @throws NinePError (EPERM) for an owner that nobody has here */
  statChanges(changes: StatChanges): StatChanges {
    const { nUid, nGid } = changes;
    if (nUid === undefined && nGid === undefined) return changes;
    return {
      ...changes,
      ...(nUid !== undefined && { nUid: this.#uid.asked(nUid) }),
      ...(nGid !== undefined && { nGid: this.#gid.asked(nGid) }),
    };
  }

  /**
   * The group that a new file is to have: undefined, for what files of the user's get here, where the node's program
   * has its default group, or one that means nothing here.
   */
  groupOfNew(gid: number | undefined): number | undefined {
    return gid === undefined || this.#gid.concerns(gid) ? undefined : gid;
  }
}

class IdMap {
  readonly same: boolean;
  readonly #host: number;
  readonly #node: number;

  constructor(host: number, node: number) {
    this.#host = host;
    this.#node = node;
    this.same = host === node;
  }

  /** Whether it is the user's number on either side. */
  concerns(id: number): boolean {
    return id === this.#host || id === this.#node;
  }

  /** Whether it is the user's number there, and another's here. */
  foreign(id: number): boolean {
    return !this.same && id === this.#node;
  }

  shown(id: number): number {
    if (id === this.#host) return this.#node;
    return this.foreign(id) ? NOBODY : id;
  }

  asked(id: number): number {
    if (id === this.#node) return this.#host;
    if (id !== this.#host) return id;
    throw new NinePError('that owner has no number on the other side', Errno.EPERM);
  }
}
