import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { Attributes, Stat } from '@xcpu/9p-protocol';
import { Errno, NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { OpenFile } from '@xcpu/9p-protocol/server';
import { ExportedFile, type View } from './exported-file.js';
import type { LocalFile } from './local-file.js';
import type { Place } from './places.js';

/** Who the user is on a node, and where he is at home in his own tree. */
export interface Account {
  readonly user: string;
  readonly uid: number;
  readonly group: string;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The files that name users and groups, and the user's line in each: passwd(5), group(5). */
export const ACCOUNT_FILES: ReadonlyMap<string, (account: Account) => string> = new Map([
  [
    '/etc/passwd',
    ({ user, uid, gid, home, shell }: Account) => `${user}:x:${uid}:${gid}::${home}:${shell}`,
  ],
  ['/etc/group', ({ group, gid }: Account) => `${group}:x:${gid}:`],
]);

/**
 * A file of this machine's in which the node finds the user by the name and the number that he has there: programs such
 * as git and ssh give up on a user who has no name. It is made anew for each opening, and cannot be written.
 */
export class AccountFile extends ExportedFile {
  readonly #path: string;
  readonly #line: string;

  constructor(view: View, file: LocalFile, above: ExportedFile, place: Place, line: string) {
    super(view, file, above, place);
    this.#path = place.path;
    this.#line = line;
  }

  override getattr(): Attributes {
    return { ...super.getattr(), size: this.#contents().length };
  }

  override stat(): Stat {
    return { ...super.stat(), length: this.#contents().length };
  }

  override setattr(): never {
    throw rewrittenError();
  }

  override wstat(): never {
    throw rewrittenError();
  }

  override open(mode: number): OpenFile<string> {
    const access = mode & OpenMode.ACCESS_MASK;
    if (access !== OpenMode.READ || mode & OpenMode.TRUNCATE) throw rewrittenError();
    const contents = this.#contents();
    return { read: (offset, count) => contents.subarray(offset, offset + count) };
  }

  #contents(): Buffer {
    return Buffer.from(withLine(readAll(this.#path), this.#line), 'latin1');
  }
}

/** The table with that line as its first, and no other of the same name or number. */
export function withLine(table: string, line: string): string {
  const [name, , number] = fieldsOf(line);
  const kept = table.split('\n').filter((other) => {
    const fields = fieldsOf(other);
    return other !== '' && fields[0] !== name && fields[2] !== number;
  });
  return [line, ...kept, ''].join('\n');
}

function fieldsOf(line: string): string[] {
  return line.split(':', 3);
}

/** As Latin-1, so that it comes out with the bytes that it has. */
function readAll(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return readFileSync(fd, 'latin1');
  } finally {
    closeSync(fd);
  }
}

function rewrittenError(): NinePError {
  return new NinePError('written for this node by xrx', Errno.EACCES);
}
