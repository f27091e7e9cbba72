import { join } from 'node:path';
import type { Log } from '@xcpu/daemon';
import { nodeError, permissionDenied } from '../errors.js';
import {
  MAX_PERSISTENT_PER_USER,
  MAX_SESSIONS,
  MAX_SESSIONS_PER_USER,
  SPOOL_QUOTA,
} from '../limits.js';
import type { Spawner } from '../program/program.js';
import { PushedFiles } from '../pushed/pushed-files.js';
import type { User } from '../users/users.js';
import { Session, type SessionDefaults, type SessionHost } from './session.js';
import { Spool } from './spool.js';

export interface SessionsOptions {
  readonly spawner: Spawner;
  /** Where sessions keep their files. */
  readonly directory: string;
  /** Private to the daemon, on the same file system. */
  readonly trash: string;
  readonly defaults: SessionDefaults;
  /** Types of file systems that a user may mount: 'all' for administrators. */
  readonly mountTypes: (user: User) => readonly string[] | 'all';
  readonly log: Log;
}

/** The sessions of this node. */
export class Sessions implements SessionHost {
  readonly spawner: Spawner;
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<number, Session>();
  readonly #perUser = new Map<User, number>();
  /** Sessions that are gone from the tree, but not yet from the node. */
  readonly #ending = new Set<Session>();
  #next = 0;
  #closing = false;

  constructor(options: SessionsOptions) {
    this.spawner = options.spawner;
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(sid: number): Session | undefined {
    return this.#sessions.get(sid);
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /** @throws NinePError when there are too many, or the user was deleted */
  create(owner: User): Session {
    if (owner.deleted) throw permissionDenied();
    if (this.#closing) throw nodeError('node is stopping');
    const own = this.#perUser.get(owner) ?? 0;
    if (this.#sessions.size >= MAX_SESSIONS) throw tooMany('on this node', MAX_SESSIONS);
    if (own >= MAX_SESSIONS_PER_USER) throw tooMany('of one user', MAX_SESSIONS_PER_USER);
    const { directory, trash, defaults } = this.#options;
    const sid = this.#next++;
    const session = new Session(this, sid, owner, defaults, (made) => {
      const { changesUser } = this.spawner;
      return new PushedFiles(made, join(directory, String(sid)), trash, changesUser);
    });
    this.#sessions.set(sid, session);
    this.#perUser.set(owner, own + 1);
    return session;
  }

  /** Hands a session to another user. The files that the one before served are not for his program. */
  chown(session: Session, owner: User): void {
    session.term.drop();
    this.#count(session.owner, -1);
    session.owner = owner;
    this.#count(owner, 1);
    session.files.chown();
  }

  spool(session: Session, stream: 'stdout' | 'stderr'): Spool {
    return new Spool(session.files.ownFile(stream), SPOOL_QUOTA);
  }

  mountTypes(user: User): readonly string[] | 'all' {
    return this.#options.mountTypes(user);
  }

  checkPersistent({ owner }: Session): void {
    let count = 0;
    for (const session of this.#sessions.values()) {
      if (session.owner === owner && session.type === 'persistent') count++;
    }
    if (count >= MAX_PERSISTENT_PER_USER) {
      throw nodeError(
        `too many persistent sessions of one user (limit ${MAX_PERSISTENT_PER_USER})`,
      );
    }
  }

  forget(session: Session): void {
    this.#sessions.delete(session.sid);
    this.#count(session.owner, -1);
    this.#ending.add(session);
    void session.gone.finally(() => this.#ending.delete(session));
  }

  /**
   * Ends all sessions: their programs are told, given time, then killed.
   * @param graceMs how long they have, in milliseconds
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const all = [...this.#sessions.values()];
    await Promise.all(all.map((session) => session.terminate(graceMs)));
    await Promise.all([...this.#ending].map((session) => session.gone));
  }

  report(event: string, session: Session, more: Record<string, string | number> = {}): void {
    const { sid, owner, jobAndRank } = session;
    this.#options.log.event(event, { sid, user: owner.name, job: jobAndRank, ...more });
  }

  #count(user: User, change: number): void {
    const count = (this.#perUser.get(user) ?? 0) + change;
    if (count > 0) this.#perUser.set(user, count);
    else this.#perUser.delete(user);
  }
}

function tooMany(where: string, limit: number): Error {
  return nodeError(`too many sessions ${where} (limit ${limit})`);
}
