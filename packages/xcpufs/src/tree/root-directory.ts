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
  formatNodeLoad,
  formatUserEntries,
  parseNodeState,
} from '@xcpu/xcpu-protocol';
import { permissionDenied, refusedText } from '../errors.js';
import { nodeLoad } from '../node-load.js';
import type { Session } from '../session/session.js';
import type { Sessions } from '../session/sessions.js';
import type { NodeSettings, TextName } from '../state/settings.js';
import type { Passkeys } from '../users/passkeys.js';
import { attributes, type Caller } from './caller.js';
import { keysText } from './keys.js';
import { NodeCtl } from './node-ctl.js';
import { NodeFile } from './node-file.js';
import { changeAccess, type NodeTables } from './ownership.js';
import { SessionDirectory } from './session-directory.js';
import { TextFile, type TextStore } from './text-file.js';

/** What the root directory shows. */
export interface Node extends NodeTables {
  readonly passkeys: Passkeys;
  readonly sessions: Sessions;
  /** `/Linux/x86_64`. */
  readonly arch: string;
  /** The process list, as text. */
  readonly processes: () => Promise<string | Uint8Array>;
}

/** The node's root: wire document, section 3. */
export class RootDirectory extends SyntheticDirectory<Caller> {
  readonly #node: Node;

  constructor(node: Node) {
    const { users, settings } = node;
    const owned = (name: string, mode: number) => attributes(name, mode, users.admin);
    super(owned('/', 0o555));
    this.#node = node;
    const constant = (contents: string) => () => snapshot(contents);
    this.add(new CloneFile(node));
    this.add(new NodeCtl(node));
    this.add(new AdminFile(node, 'arch', 0o444, constant(node.arch)));
    this.add(new NodeText(node, 'env', storeOf(settings, 'env')));
    this.add(new NodeText(node, 'ns', storeOf(settings, 'ns')));
    this.add(new AdminFile(node, 'procs', 0o444, async () => snapshot(await node.processes())));
    this.add(new NodeText(node, 'state', stateStore(settings)));
    this.add(new AdminFile(node, 'load', 0o444, () => new LoadFile()));
    this.add(new AdminFile(node, 'passkey', 0o444, () => new PasskeyFile(node.passkeys)));
    const userEntries = () => snapshot(formatUserEntries(users.userEntries()));
    this.add(new AdminFile(node, 'pwent', 0o440, userEntries));
    const groupEntries = () => snapshot(formatGroupEntries(users.groupEntries()));
    this.add(new AdminFile(node, 'grent', 0o440, groupEntries));
    this.add(new AdminFile(node, 'keys', 0o440, () => snapshot(keysText(users))));
  }

  /** Whose a file is, and who may do what with it, is as the administrator left it. */
  override add<F extends SyntheticFile<Caller>>(file: F): F {
    const access = this.#node.settings.access(file.attributes.name);
    if (access) file.attributes = { ...file.attributes, ...access };
    return super.add(file);
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
  readonly #node: Node;
  readonly #contents: (mode: number) => Awaitable<OpenFile>;

  constructor(node: Node, name: string, mode: number, contents: () => Awaitable<OpenFile>) {
    super(attributes(name, mode, node.users.admin));
    this.#node = node;
    this.#contents = contents;
  }

  protected override opened(mode: number, _request: Request<Caller>): Awaitable<OpenFile<Caller>> {
    return this.#contents(mode) as Awaitable<OpenFile<Caller>>;
  }

  protected override change(changes: StatChanges): void {
    changeAccess(this, changes, this.#node);
  }

  protected override saved(): Awaitable<void> {
    return this.#node.saved();
  }
}

/** A text of the node's that the administrator writes, and may give to somebody else to write. */
class NodeText extends TextFile {
  readonly #node: Node;

  constructor(node: Node, name: string, store: TextStore) {
    super(attributes(name, 0o664, node.users.admin), store);
    this.#node = node;
  }

  protected override change(changes: StatChanges): void {
    changeAccess(this, changes, this.#node);
  }

  protected override saved(): Awaitable<void> {
    return this.#node.saved();
  }
}

/** Opening it makes a session; reading yields its id. Who may read it may run jobs. */
class CloneFile extends AdminFile {
  readonly #sessions: Sessions;

  constructor(node: Node) {
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
    try {
      return encryptPasskey(this.#passkeys.issue(user.user), key).subarray(0, count);
    } catch (error) {
      throw refusedText(error);
    }
  }
}

/** How busy the node is. Whoever keeps it open asks again by reading from the beginning. */
class LoadFile implements OpenFile<Caller> {
  #text = Buffer.alloc(0);

  read(offset: number, count: number): Uint8Array {
    if (offset === 0) this.#text = Buffer.from(formatNodeLoad(nodeLoad()));
    return this.#text.subarray(offset, offset + count);
  }
}

/** The node's state for a scheduler: short, on one line. */
function stateStore(settings: NodeSettings): TextStore {
  return {
    get: () => settings.text('state'),
    // `echo up >state` ends in a newline that is not meant.
    set: (contents) => {
      const text = contents.toString('utf8').replace(/\n$/, '');
      try {
        settings.setText('state', Buffer.from(parseNodeState(text)));
      } catch (error) {
        throw refusedText(error);
      }
    },
  };
}

function storeOf(settings: NodeSettings, name: TextName): TextStore {
  return {
    get: () => settings.text(name),
    set: (contents) => settings.setText(name, contents),
  };
}
