import type { SyntheticAttributes } from '@xcpu/9p-protocol/server';
import type { SessionDefaults } from '../session/session.js';

/** The texts that the administrator writes into the root. */
export const TEXT_NAMES = ['env', 'ns', 'state'] as const;
export type TextName = (typeof TEXT_NAMES)[number];

/** Whose a root file is, and who may do what with it. */
export type FileAccess = Pick<
  SyntheticAttributes,
  'name' | 'mode' | 'uid' | 'gid' | 'nUid' | 'nGid'
>;

/** What the administrator sets on a node beside its users and groups: texts, and whose the root's files are. */
export class NodeSettings {
  /** What sessions begin with. */
  readonly defaults: SessionDefaults;
  #state: Buffer = Buffer.alloc(0);
  /** Those that were set: the others are what this daemon was started with. */
  readonly #written = new Set<TextName>();
  readonly #accesses = new Map<string, FileAccess>();
  #version = 0;

  /** @param env what sessions' environment begins with until somebody sets it */
  constructor(env = '') {
    this.defaults = { env: Buffer.from(env), ns: Buffer.alloc(0) };
  }

  /** Another one whenever something was set. */
  get version(): number {
    return this.#version;
  }

  text(name: TextName): Buffer {
    return name === 'state' ? this.#state : this.defaults[name];
  }

  setText(name: TextName, contents: Buffer): void {
    if (name === 'state') this.#state = contents;
    else this.defaults[name] = contents;
    this.#written.add(name);
    this.#version++;
  }

  /** Those that somebody set. */
  writtenTexts(): (readonly [TextName, Buffer])[] {
    return [...this.#written].map((name) => [name, this.text(name)] as const);
  }

  /** Of a file that was given to somebody or whose permissions were changed; undefined of one that is as it was made. */
  access(name: string): FileAccess | undefined {
    return this.#accesses.get(name);
  }

  setAccess({ name, mode, uid, gid, nUid, nGid }: FileAccess): void {
    this.#accesses.set(name, {
      name,
      mode: mode & 0o777,
      uid,
      gid,
      ...(nUid === undefined ? {} : { nUid }),
      ...(nGid === undefined ? {} : { nGid }),
    });
    this.#version++;
  }

  accesses(): FileAccess[] {
    return [...this.#accesses.values()];
  }
}
