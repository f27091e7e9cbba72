import { realpath, stat } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { Errno, NinePError } from '@xcpu/9p-protocol';
import type { CopyOptions, CopyProgress, CopySummary } from '@xcpu/9p-protocol/client';
import { systemText, UsageError } from '@xcpu/libxcpu';
import type { ServerFiles } from '@xcpu/libxcpu/files';
import { RICHEST } from '@xcpu/libxcpu/files';
import { parseSides, type Sides } from '../copy-sides.js';
import { below, lastName } from '../names.js';
import { at, complain, LocalError, onEach } from '../place.js';
import { Progress } from '../progress.js';
import type { Verb } from '../verb.js';

interface Options {
  readonly recursive?: boolean;
  readonly preserve?: boolean;
}

export const cp: Verb = {
  name: 'cp',
  usage: ['ADDRESS:/PATH... LOCAL', 'LOCAL... ADDRESS:/PATH'],
  summary: `Copies files from a server to this machine, or the other way round; into the last operand if that is a
directory. What has :/ in it, and does not begin with / or a dot, is on a server; with -a it is written :/PATH.
Symbolic links in directories are copied as links; devices, pipes and sockets are not copied, and named.`,
  examples: [
    ['9p cp n8:/procs .', 'a file of the node n8'],
    ['9p cp -rp fs:564:/src backup', 'a directory with permissions and times'],
    ['9p cp -r src notes fs:564:/home/me', 'two into a directory of a server'],
    ['9p -a /run/files cp a :/b', 'a server named once'],
  ],
  dialects: RICHEST,
  define: (command) => {
    command
      .option('-r, --recursive', 'directories with all that is in them')
      .option('-p, --preserve', 'keep permissions and times');
  },
  run: (line) => {
    const sides = parseSides(line.operands, line.address);
    return at(sides.address, line, (place) => copy(place, sides, line.options));
  },
};

async function copy(place: ServerFiles, sides: Sides, options: Options): Promise<number> {
  const { sources, target, direction } = sides;
  const directory = await isDirectory(place, sides);
  if (sources.length > 1 && !directory) {
    throw new UsageError(`${target}: several files are copied into a directory, which must exist`);
  }
  const progress = new Progress(isatty(2));
  let skipped = 0;
  const onProgress = (event: CopyProgress) => {
    progress.note(event);
    if (event.skipped) complain(`${event.path}: not copied: ${event.kind}`);
  };
  const settings: CopyOptions = { preserve: options.preserve, onProgress };
  const status = await onEach(place, sources, async (source) => {
    const name = lastName(source);
    const to = directory && name !== '' ? below(target, name) : target;
    const copyOne = direction === 'in' ? copyIn : copyOut;
    try {
      skipped += (await copyOne(place, source, to, options, settings)).skipped;
    } finally {
      progress.end();
    }
  });
  return status || (skipped > 0 ? 1 : 0);
}

async function isDirectory({ files }: ServerFiles, { target, direction }: Sides): Promise<boolean> {
  if (direction === 'out') {
    return stat(target).then(
      (its) => its.isDirectory(),
      () => false,
    );
  }
  return (await files.exists(target)) && (await files.stat(target)).kind === 'directory';
}

/** What the user names is copied, not a link to it. */
async function copyIn(
  { files }: ServerFiles,
  source: string,
  target: string,
  { recursive }: Options,
  settings: CopyOptions,
): Promise<CopySummary> {
  let real: string;
  try {
    real = await realpath(source);
    if (!recursive && (await stat(real)).isDirectory()) {
      throw new LocalError(`${source}: ${IS_DIRECTORY}`);
    }
  } catch (error) {
    if (error instanceof LocalError) throw error;
    throw new LocalError(`${source}: ${systemText(error)}`);
  }
  return files.copyIn(real, target, settings);
}

async function copyOut(
  { files }: ServerFiles,
  source: string,
  target: string,
  { recursive }: Options,
  settings: CopyOptions,
): Promise<CopySummary> {
  if (!recursive && (await files.stat(source)).kind === 'directory') {
    throw new NinePError(`${source}: ${IS_DIRECTORY}`, Errno.EISDIR);
  }
  return files.copyOut(source, await writable(target), settings);
}

/**
 * Where a copy may be put, links followed: the user himself named them. `copyOut` puts a file in the place of anything
 * else, which would take away a device such as /dev/null.
 * @throws LocalError for what is neither a file nor a directory
 */
async function writable(target: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(target);
  } catch (error) {
    if (isMissing(error)) return target;
    throw new LocalError(`${target}: ${systemText(error)}`);
  }
  const its = await stat(real);
  if (its.isFile() || its.isDirectory()) return real;
  throw new LocalError(`${target}: is no file: 9p cat writes to pipes and devices`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

const IS_DIRECTORY = 'is a directory: -r copies it';
