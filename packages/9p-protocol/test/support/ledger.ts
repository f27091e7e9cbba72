import { ModeBit, NinePError, type Stat } from '../../src/index.js';
import type {
  AuthFile,
  Awaitable,
  FileServer,
  NewFile,
  OpenFile,
  Request,
  ServerFile,
  StatChanges,
} from '../../src/server/index.js';
import { nextQidPath } from '../../src/server/index.js';

/** What a test's file server was asked to do, and whether everything taken was given back. */
export class Ledger {
  acquired = 0;
  released = 0;
  opened = 0;
  closed = 0;
  /** What happened, in order. */
  readonly events: string[] = [];
  /** How often each file is acquired, by name. */
  readonly held = new Map<string, number>();

  get balanced(): boolean {
    return this.acquired === this.released && this.opened === this.closed;
  }
}

/** What one file of a test's tree does; whatever is left out it does not support. */
export interface FileBehaviour {
  readonly children?: Record<string, FileBehaviour>;
  /** Waited for before a walk to this file, an open of it, a stat … is answered. */
  readonly delay?: (what: string, request: Request<string>) => Promise<void> | undefined;
  readonly open?: OpenFile<string>;
  readonly remove?: () => Awaitable<void>;
  readonly wstat?: (changes: StatChanges) => Awaitable<void>;
  readonly create?: (file: NewFile) => FileBehaviour;
  readonly name?: string;
}

/** A server of that tree that keeps a ledger; `auth`, where given, makes authentication files. */
export function ledgerServer(
  root: FileBehaviour,
  ledger: Ledger,
  auth?: () => Awaitable<AuthFile>,
): FileServer<string> {
  const file = new LedgerFile('/', root, ledger);
  return {
    ...(auth && { auth }),
    attach: ({ uname }, _, request) => {
      const entered = { root: file as ServerFile<string>, user: uname };
      const delay = root.delay?.('attach', request as unknown as Request<string>);
      return delay ? delay.then(() => entered) : entered;
    },
  };
}

class LedgerFile implements ServerFile<string> {
  readonly qid;
  readonly parent?: ServerFile<string>;
  readonly remove?: () => Awaitable<void>;
  readonly wstat?: (changes: StatChanges, request: Request<string>) => Awaitable<void>;
  readonly create?: NonNullable<ServerFile<string>['create']>;
  readonly #name: string;
  readonly #behaviour: FileBehaviour;
  readonly #ledger: Ledger;
  readonly #children = new Map<string, LedgerFile>();

  constructor(name: string, behaviour: FileBehaviour, ledger: Ledger, parent?: LedgerFile) {
    const { children, remove, wstat, create } = behaviour;
    this.#name = behaviour.name ?? name;
    this.#behaviour = behaviour;
    this.#ledger = ledger;
    this.qid = { type: children || create ? 0x80 : 0, version: 0, path: nextQidPath() };
    if (parent) this.parent = parent;
    for (const [child, its] of Object.entries(children ?? {})) {
      this.#children.set(child, new LedgerFile(child, its, ledger, this));
    }
    if (remove) {
      this.remove = () => {
        ledger.events.push(`remove ${name}`);
        return remove();
      };
    }
    if (wstat)
      this.wstat = (changes, request) => this.#after('wstat', request, () => wstat(changes));
    if (create) {
      this.create = (file, request) =>
        this.#after('create', request, () => {
          const made = new LedgerFile(file.name, create(file), ledger, this);
          return { file: made, open: made.#opened() };
        });
    }
  }

  acquire(): void {
    this.#ledger.acquired++;
    this.#hold(1);
  }

  release(): void {
    this.#ledger.released++;
    this.#hold(-1);
    this.#ledger.events.push(`release ${this.#name}`);
  }

  walk(name: string, request: Request<string>): Awaitable<ServerFile<string> | undefined> {
    const child = this.#children.get(name);
    return child ? child.#after('walk', request, () => child) : undefined;
  }

  stat(request: Request<string>): Awaitable<Stat> {
    return this.#after('stat', request, () => ({
      type: 0,
      dev: 0,
      qid: this.qid,
      mode: this.qid.type ? ModeBit.DIR | 0o755 : 0o644,
      atime: 0,
      mtime: 0,
      length: 0,
      name: this.#name,
      uid: 'owner',
      gid: 'group',
      muid: 'owner',
    }));
  }

  open(_mode: number, request: Request<string>): Awaitable<OpenFile<string>> {
    return this.#after('open', request, () => this.#opened());
  }

  #hold(change: number): void {
    const { held } = this.#ledger;
    held.set(this.#name, (held.get(this.#name) ?? 0) + change);
  }

  #opened(): OpenFile<string> {
    const ledger = this.#ledger;
    const { children, open } = this.#behaviour;
    if (!open && !children) throw new NinePError('permission denied', 1);
    ledger.opened++;
    const listed: OpenFile<string> = {
      entries: (request) =>
        Promise.all([...this.#children.values()].map((child) => child.stat(request))),
    };
    return {
      ...(children ? listed : {}),
      ...open,
      close: () => {
        ledger.closed++;
        ledger.events.push(`close ${this.#name}`);
        return open?.close?.();
      },
    };
  }

  #after<T>(what: string, request: Request<string>, make: () => Awaitable<T>): Awaitable<T> {
    const delay = this.#behaviour.delay?.(what, request);
    return delay ? delay.then(make) : make();
  }
}

/** Waits until the request is cancelled, then fails with the reason, as a blocked operation should. */
export function untilCancelled(request: Request<string>): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(request.signal.reason);
    if (request.signal.aborted) fail();
    else request.signal.addEventListener('abort', fail);
  });
}

/** A promise that a test settles when it likes. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Lets everything that is under way in this process, timers apart, come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
