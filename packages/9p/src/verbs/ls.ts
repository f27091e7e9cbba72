import { isatty } from 'node:tty';
import type { FileEntry, FileStat } from '@xcpu/9p-protocol/client';
import type { ServerFiles } from '@xcpu/libxcpu/files';
import { formatLong, type Row } from '../long-format.js';
import { below, escaped } from '../names.js';
import { writeText } from '../output.js';
import { at, onEach, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

interface Options {
  readonly long?: boolean;
  readonly directory?: boolean;
  readonly time?: boolean;
  readonly reverse?: boolean;
}

/** Symbolic links that are asked where they lead at the same time. */
const LINKS_AT_ONCE = 32;

export const ls: Verb = {
  name: 'ls',
  usage: ['ADDRESS [PATH...]'],
  summary: `Lists directories, those that begin with a dot included; the root if no path is given. Names with control
characters are shown with escapes on a terminal, and as they are elsewhere. Owners are shown by name where the server
tells it: 9P2000.u is asked for first.`,
  examples: [
    ['9p ls -l n8', 'what the node n8 serves'],
    ['9p ls -l n8 /3', 'the files of its session 3'],
    ['9p ls fs.example.org:564 /usr', 'a directory of any 9P server'],
  ],
  dialects: WORDS_FIRST,
  define: (command) => {
    command
      .option('-l, --long', 'mode, owner, group, size, time and name of each')
      .option('-d, --directory', 'directories themselves, not what is in them')
      .option('-t, --time', 'the latest first')
      .option('-r, --reverse', 'the other way round');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 0, names: '[PATH...]' });
    return at(address, line, (place) =>
      list(place, paths.length > 0 ? paths : ['/'], line.options),
    );
  },
};

async function list(
  place: ServerFiles,
  paths: readonly string[],
  options: Options,
): Promise<number> {
  const { files } = place;
  const { long = false, directory = false } = options;
  const directories: string[] = [];
  const single: Listed[] = [];
  const status = await onEach(place, paths, async (path) => {
    const follow = path.endsWith('/') || !(long || directory);
    const stat = await files.stat(path, { follow });
    if (stat.kind === 'directory' && !directory) directories.push(path);
    else single.push({ name: path, path, stat });
  });
  let shown = single.length;
  await print(place, single, options);
  const listed = await onEach(place, directories, async (path) => {
    const entries = await files.readdir(path, { stat: long || options.time });
    if (paths.length > 1) await writeText(`${shown > 0 ? '\n' : ''}${visible(path)}:\n`);
    shown++;
    await print(
      place,
      entries.map((entry) => inside(path, entry)),
      options,
    );
  });
  return status || listed;
}

/** A file to be listed: how it is called in the listing, and where it is. */
interface Listed {
  readonly name: string;
  readonly path: string;
  readonly stat: FileStat | undefined;
}

function inside(directory: string, { name, stat }: FileEntry): Listed {
  return { name, path: below(directory, name), stat };
}

async function print(
  place: ServerFiles,
  listed: readonly Listed[],
  options: Options,
): Promise<void> {
  const sorted = listed.toSorted(options.time ? byTime : byName);
  if (options.reverse) sorted.reverse();
  if (!options.long) {
    await writeText(sorted.map(({ name }) => `${visible(name)}\n`).join(''));
    return;
  }
  const rows: Row[] = [];
  for (let from = 0; from < sorted.length; from += LINKS_AT_ONCE) {
    const some = sorted.slice(from, from + LINKS_AT_ONCE);
    rows.push(...(await Promise.all(some.map((file) => row(place, file)))).flat());
  }
  await writeText(formatLong(rows, Date.now()));
}

async function row({ files }: ServerFiles, { name, path, stat }: Listed): Promise<Row[]> {
  if (!stat) return [];
  let target = stat.kind === 'symlink' ? stat.target : undefined;
  if (stat.kind === 'symlink') target ??= await files.readlink(path).catch(() => '?');
  return [{ name: visible(name), stat, target: target && visible(target) }];
}

function visible(name: string): string {
  return isatty(1) ? escaped(name) : name;
}

function byName(a: Listed, b: Listed): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function byTime(a: Listed, b: Listed): number {
  const [first, second] = [a.stat?.mtimeNs ?? 0n, b.stat?.mtimeNs ?? 0n];
  return first === second ? byName(a, b) : first > second ? -1 : 1;
}
