import { type PublicKey, parsePublicKey, parseWords } from '@xcpu/xcpu-protocol';
import { LegacyCrash, LegacyError } from './legacy-session.js';

export const LEGACY_ADMIN = 'xcpu-admin';

interface LegacyUser {
  readonly uid: string;
  readonly key: PublicKey;
  readonly group: string;
  readonly groups: Set<string>;
}

/** The users and groups of a legacy node, and the commands that change them, with its error texts. */
export class LegacyUsers {
  readonly #users = new Map<string, LegacyUser>();
  readonly #groups = new Map<string, string>();
  /** All clients share it: what does not end in a newline, or fails, stays in front of what follows. */
  #commands = '';

  constructor(adminKey: PublicKey) {
    this.#groups.set(LEGACY_ADMIN, '65530');
    const admin = { uid: '65530', key: adminKey, group: LEGACY_ADMIN, groups: new Set<string>() };
    this.#users.set(LEGACY_ADMIN, admin);
  }

  /** The keys that prove a login as `name`; undefined for an unknown user. */
  keysOf(name: string): PublicKey[] | undefined {
    const user = this.#users.get(name);
    return user && [user.key, this.#users.get(LEGACY_ADMIN)!.key];
  }

  isAdmin(name: string): boolean {
    return name === LEGACY_ADMIN || this.#users.get(name)?.groups.has(LEGACY_ADMIN) === true;
  }

  /** The newest user first; the built-in ones are there from the start. */
  pwent(): string {
    const [admin = '', ...others] = [...this.#users].map(([name, { uid, group, groups }]) => {
      const all = [...new Set([group, ...groups])].join(',');
      return `${name}:${uid}:${this.#groups.get(group)}:${all}\n`;
    });
    return [...others.reverse(), 'nobody:9999:0\n', admin].join('');
  }

  grent(): string {
    const lines = [...this.#groups].map(([name, gid]) => `${name}:${gid}\n`);
    return lines.reverse().join('');
  }

  /** What was written to the node's ctl: up to a NUL, the rest is padding. */
  write(data: string): void {
    const [text = ''] = data.split('\0');
    this.#commands += text;
    for (let end = this.#commands.indexOf('\n'); end >= 0; end = this.#commands.indexOf('\n')) {
      this.#command(this.#commands.slice(0, end));
      this.#commands = this.#commands.slice(end + 1);
    }
  }

  #command(line: string): void {
    const [command = '', ...words] = parseWords(line);
    if (line.trim() === '') throw new LegacyCrash('empty ctl line');
    if (
      words.length === 0 &&
      ['user-del', 'kill', 'group-del', 'user-add-group'].includes(command)
    ) {
      throw new LegacyCrash(`${command} without words`);
    }
    const [first = '', second = ''] = words;
    switch (command) {
      case 'user-add':
        return this.#addUser(words);
      case 'user-del':
        this.#needUser(first);
        this.#users.delete(first);
        return;
      case 'user-flush':
        return this.#flushUsers();
      case 'user-add-group':
        this.#needGroup(second);
        this.#needUser(first).groups.add(second);
        return;
      case 'user-del-group':
        this.#needGroup(second);
        this.#needUser(first).groups.delete(second);
        return;
      case 'group-add':
        return this.#addGroup(words);
      case 'group-del':
        return this.#deleteGroup(first);
      case 'group-flush':
        this.#flushUsers();
        for (const name of this.#groups.keys())
          if (name !== LEGACY_ADMIN) this.#groups.delete(name);
        return;
      case 'kill':
        return;
      default:
        throw new LegacyError('unknown command');
    }
  }

  #addUser([name, uid, group, key]: readonly string[]): void {
    if (!name || !uid || !group || !key) {
      throw new LegacyError('Usage: user-add uname uid groupname key');
    }
    if (this.#users.has(name)) throw new LegacyError(`${name}:user exists`);
    if ([...this.#users.values()].some((user) => user.uid === uid)) {
      throw new LegacyError(`${uid}:user exists`);
    }
    if (!this.#groups.has(group)) throw new LegacyError(`${group}:group not found`);
    const parsed = parsePublicKey(key);
    if (parsed.type !== 'ssh-rsa') throw new LegacyError('invalid key type');
    this.#users.set(name, { uid, group, key: parsed, groups: new Set([group]) });
  }

  #addGroup([name, gid]: readonly string[]): void {
    if (!name || !gid) throw new LegacyError('Usage: group-add groupname gid');
    if (this.#groups.has(name)) throw new LegacyError(`${name}:group exists`);
    this.#groups.set(name, gid);
  }

  #deleteGroup(name: string): void {
    this.#needGroup(name);
    const members = [...this.#users.values()].some(
      ({ group, groups }) => group === name || groups.has(name),
    );
    if (members) throw new LegacyError(`${name}:group not empty`);
    this.#groups.delete(name);
  }

  #flushUsers(): void {
    for (const name of this.#users.keys()) if (name !== LEGACY_ADMIN) this.#users.delete(name);
  }

  #needUser(name: string): LegacyUser {
    const user = this.#users.get(name);
    if (!user) throw new LegacyError(`${name}: no such user in userpool`);
    return user;
  }

  #needGroup(name: string): void {
    if (!this.#groups.has(name)) throw new LegacyError(`${name}: no such group in userpool`);
  }
}
