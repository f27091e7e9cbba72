import {
  type Awaitable,
  type OpenFile,
  type Request,
  type ServerFile,
  type StatChanges,
  SyntheticDirectory,
  type SyntheticFile,
  snapshot,
} from '@xcpu/9p-protocol/server';
import {
  encryptPasskey,
  formatGroupEntries,
  formatUserEntries,
  parseNodeState,
} from '@xcpu/xcpu-protocol';
import { permissionDenied, refusedText } from '../errors.js';
import type { Session, SessionDefaults } from '../session/session.js';
import type { Sessions } from '../session/sessions.js';
import type { Passkeys } from '../users/passkeys.js';
import type { UserTable } from '../users/users.js';
import { attributes, type Caller } from './caller.js';
import { NodeCtl } from './node-ctl.js';
import { NodeFile } from './node-file.js';
import { changedAttributes } from './ownership.js';
import { SessionDirectory } from './session-directory.js';
import { TextFile, type TextStore } from './text-file.js';

/** What the root directory shows. */
export interface Node {
  readonly users: UserTable;
  readonly passkeys: Passkeys;
  readonly sessions: Sessions;
  readonly defaults: SessionDefaults;
  /** `/Linux/x86_64`. */
  readonly arch: string;
  /** The process list, as text. */
  readonly processes: () => Promise<string | Uint8Array>;
}

/** The node's root: wire document, section 3. */
export class RootDirectory extends SyntheticDirectory<Caller> {
  readonly #node: Node;

  constructor(node: Node) {
    const { users, defaults } = node;
    const owned = (name: string, mode: number) => attributes(name, mode, users.admin);
    super(owned('/', 0o555));
    this.#node = node;
    const constant = (contents: string) => () => snapshot(contents);
    this.add(new CloneFile(node, this));
    this.add(new NodeCtl(users));
    this.add(new AdminFile(node, 'arch', 0o444, constant(node.arch)));
    this.add(new NodeText(users, 'env', fieldOf(defaults, 'env')));
    this.add(new NodeText(users, 'ns', fieldOf(defaults, 'ns')));
    this.add(new AdminFile(node, 'procs', 0o444, async () => snapshot(await node.processes())));
    this.add(new NodeText(users, 'state', new StateStore()));
    this.add(new AdminFile(node, 'passkey', 0o444, () => new PasskeyFile(node.passkeys)));
    const userEntries = () => snapshot(formatUserEntries(users.userEntries()));
    this.add(new AdminFile(node, 'pwent', 0o440, userEntries));
    const groupEntries = () => snapshot(formatGroupEntries(users.groupEntries()));
    this.add(new AdminFile(node, 'grent', 0o440, groupEntries));
  }

  override find(name: string, request: Request<Caller>): Awaitable<ServerFile<Caller> | undefined> {
    const session = /^(0|[1-9]\d{0,9})$/.test(name)
      ? this.#node.sessions.get(Number(name))
      : undefined;
    return session ? this.#directory(session, request) : super.find(name, request);
  }

  override *list(request: Request<Caller>): Iterable<SyntheticFile<Caller>> {
    yield* super.list(request) as Iterable<SyntheticFile<Caller>>;
    for (const session of this.#node.sessions) yield this.#directory(session, request);
  }

  #directory(session: Session, { user }: Request<Caller>): SessionDirectory {
    const { sessions, users } = this.#node;
    return new SessionDirectory(session, sessions, users, this, user);
  }
}

/** A root file whose owner and permissions the administrator may change. */
class AdminFile extends NodeFile {
  readonly #users: UserTable;
  readonly #contents: (mode: number) => Awaitable<OpenFile>;

  constructor(node: Node, name: string, mode: number, contents: () => Awaitable<OpenFile>) {
    super(attributes(name, mode, node.users.admin));
    this.#users = node.users;
    this.#contents = contents;
  }

  protected override opened(mode: number, _request: Request<Caller>): Awaitable<OpenFile<Caller>> {
    return this.#contents(mode) as Awaitable<OpenFile<Caller>>;
  }

  protected override change(changes: StatChanges): void {
    this.attributes = changedAttributes(this.attributes, changes, this.#users);
  }
}

/** A text of the node's that the administrator writes, and may give to somebody else to write. */
class NodeText extends TextFile {
  readonly #users: UserTable;

  constructor(users: UserTable, name: string, store: TextStore) {
    super(attributes(name, 0o664, users.admin), store);
    this.#users = users;
  }

  protected override change(changes: StatChanges): void {
    this.attributes = changedAttributes(this.attributes, changes, this.#users);
  }
}

/** Opening it makes a session; reading yields its id. Who may read it may run jobs. */
class CloneFile extends AdminFile {
  readonly #sessions: Sessions;

  constructor(node: Node, _root: RootDirectory) {
    super(node, 'clone', 0o444, () => snapshot(''));
    this.#sessions = node.sessions;
  }

  protected override opened(_mode: number, request: Request<Caller>): OpenFile<Caller> {
    const session = this.#sessions.create(request.user.user);
    session.acquire();
    return {
      ...(snapshot(String(session.sid)) as OpenFile<Caller>),
      close: () => session.release(),
    };
  }
}

/** Each read from the beginning makes a new passkey for the reader, encrypted with his key. */
class PasskeyFile implements OpenFile<Caller> {
  readonly #passkeys: Passkeys;

  constructor(passkeys: Passkeys) {
    this.#passkeys = passkeys;
  }

  read(offset: number, count: number, { user }: Request<Caller>): Uint8Array {
    if (offset > 0) return Buffer.alloc(0);
    const { key } = user.user;
    if (!key || user.user.deleted) throw permissionDenied();
    return encryptPasskey(this.#passkeys.issue(user.user), key).subarray(0, count);
  }
}

/** The node's state for a scheduler: short, on one line. */
class StateStore implements TextStore {
  #state = Buffer.alloc(0);

  get(): Buffer {
    return this.#state;
  }

  /** `echo up >state` ends in a newline that is not meant. */
  set(contents: Buffer): void {
    const text = contents.toString('utf8').replace(/\n$/, '');
    try {
      this.#state = Buffer.from(parseNodeState(text));
    } catch (error) {
      throw refusedText(error);
    }
  }
}

function fieldOf(defaults: SessionDefaults, field: keyof SessionDefaults): TextStore {
  return {
    get: () => defaults[field],
    set: (contents) => {
      defaults[field] = contents;
    },
  };
}
