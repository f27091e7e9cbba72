import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Attributes, Stat } from '@xcpu/9p-protocol';
import { Errno, NinePError, OpenMode, QidType } from '@xcpu/9p-protocol';
import type { OpenFile } from '@xcpu/9p-protocol/server';
import { ExportedFile, type View } from './exported-file.js';
import type { LocalFile } from './local-file.js';
import type { Place } from './places.js';
import type { Furnishing } from './stand-in.js';

/** Who the user is on a node, and where he is at home in his own tree. */
export interface Account {
  readonly user: string;
  readonly uid: number;
  readonly group: string;
  readonly gid: number;
  /** Groups that he is in there, the default one among them or not. */
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
  readonly home: string;
  readonly shell: string;
}

/** A file that names users or groups: passwd(5), group(5). */
interface Table {
  /** In a tree whose root is `/`. */
  readonly path: string;
  /** What it holds where there is none. */
  readonly least: string;
  /** The lines that tell of the user. */
  lines(account: Account): string[];
}

const TABLES: readonly Table[] = [
  {
    path: '/etc/passwd',
    least: 'root:x:0:0::/root:/bin/sh\n',
    lines: ({ user, uid, gid, home, shell }) => [`${user}:x:${uid}:${gid}::${home}:${shell}`],
  },
  {
    path: '/etc/group',
    least: 'root:x:0:\n',
    lines: ({ user, group, gid, groups }) => {
      const others = groups.filter((other) => other.gid !== gid);
      return [`${group}:x:${gid}:`, ...others.map(({ name, gid }) => `${name}:x:${gid}:${user}`)];
    },
  },
];

/** The tables of all trees that nodes may see as `/`, as one node is to find them. */
export class AccountTables implements Furnishing {
  readonly #tables = new Map<
    Place,
    { readonly lines: readonly string[]; readonly least: string }
  >();
  readonly #ways = new Set<Place>();

  /** @param account left out, the tables are served as they are */
  constructor(root: Place, trees: readonly string[], account: Account | undefined) {
    if (!account) return;
    for (const { path, least, lines } of TABLES) {
      for (const tree of trees) {
        this.#tables.set(root.at(tree + path), { lines: lines(account), least });
        this.#ways.add(root.at(tree + dirname(path)));
      }
    }
  }

  /** Where there may be tables. */
  static pathsIn(trees: readonly string[]): string[] {
    return trees.flatMap((tree) => TABLES.map(({ path }) => tree + path));
  }

  /** A regular file of this machine's with the user in it; undefined if it is to be served as it is. */
  file(view: View, file: LocalFile, above: ExportedFile, place: Place): AccountFile | undefined {
    const table = file.qid.type === QidType.FILE ? this.#tables.get(place) : undefined;
    return table && new AccountFile(view, file, above, place, table.lines);
  }

  contentsAt(place: Place): Buffer | undefined {
    const table = this.#tables.get(place);
    return table && Buffer.from(withLines(table.least, table.lines));
  }

  leadsFrom(place: Place): boolean {
    return this.#ways.has(place);
  }
}

/**
 * A file of this machine's in which the node finds the user by the name and the number that he has there: programs such
 * as git and ssh give up on a user who has no name. It is made anew for each opening, and cannot be written.
 */
export class AccountFile extends ExportedFile {
  readonly #path: string;
  readonly #lines: readonly string[];

  constructor(
    view: View,
    file: LocalFile,
    above: ExportedFile,
    place: Place,
    lines: readonly string[],
  ) {
    super(view, file, above, place);
    this.#path = place.path;
    this.#lines = lines;
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
    const lines = this.#lines.map((line) => Buffer.from(line).toString('latin1'));
    return Buffer.from(withLines(readAll(this.#path), lines), 'latin1');
  }
}

/** The table with those lines first, and no others of the same names or numbers. */
export function withLines(table: string, lines: readonly string[]): string {
  const own = lines.map(fieldsOf);
  const names = new Set(own.map(([name]) => name));
  const numbers = new Set(own.map(([, , number]) => number));
  const kept = table.split('\n').filter((other) => {
    const [name, , number] = fieldsOf(other);
    return other !== '' && !names.has(name) && !numbers.has(number);
  });
  return [...lines, ...kept, ''].join('\n');
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
