import { posix } from 'node:path';
import { UsageError } from '@xcpu/libxcpu';
import {
  checkNamespace,
  type EnvironmentEntry,
  formatNamespace,
  type NamespaceCommand,
  type NamespaceStep,
  parseNamespace,
  SESSION_NAMESPACE,
  TERM_ADDRESS,
  XcpuFormatError,
} from '@xcpu/xcpu-protocol';

/** How the programs are to see files, as the command line says. At most one of `file` and `directories`. */
export interface NamespaceOptions {
  /** xrx's working directory on this machine. */
  readonly cwd: string;
  /** `-c`: where the programs start instead; from `cwd` on, if relative. */
  readonly chdir?: string | undefined;
  /** `--root`, without symbolic links: what the nodes see as `/`. Default `/`. */
  readonly root?: string | undefined;
  /** `--read-only` */
  readonly readOnly?: boolean | undefined;
  /** `--ns FILE` */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  /** `--namespace NODE=YOURS:…` */
  readonly directories?: string | undefined;
  /** `--bind A:B`, each. */
  readonly binds?: readonly string[] | undefined;
  /** Trees for other kinds of machine, as the nodes see them: see `sysroots`. */
  readonly sysroots?: readonly string[] | undefined;
  /** The directory with the homes, as the nodes see it, where it is to be bound into the tree: see `homesBelow`. */
  readonly homes?: string | undefined;
}

/** What a session is told. */
export interface NamespaceProgram {
  /** For the session's `ns`. */
  readonly text: string;
  /** Variables that the text names, beside those that a session has anyway; for the session's `env`. */
  readonly variables: readonly EnvironmentEntry[];
  /** Directories that the program mounts over, as paths in the exported tree: the exporter makes up missing ones. */
  readonly mountPoints: readonly string[];
  /** The program runs in the user's tree, so that variables which name his directories mean something there. */
  readonly ownTree: boolean;
  /** The program imports what xrx serves. */
  readonly ownFiles: boolean;
}

/**
 * The namespace program that a command line asks for.
 *
 * - By default the programs see this machine's tree (or that below `root`) as theirs, with the node's `/dev`, `/proc`
 *   and `/sys`, and start in the directory that xrx was started in; in `/` if that is not below the root.
 * - `directories` is u-root cpu's form: parts between colons, each `NODE=YOURS`, or `SAME` for `SAME=SAME`. The
 *   programs see the node's own tree, with the directory YOURS of the exported tree over its directory NODE. They start
 *   where xrx was started if that is in one of YOURS, under the name that it has there; else where the node begins.
 * - `file` is sent as it is, once checked. It says by its own `cd` where the programs start.
 * - `binds`, `A:B` or `A` for `A:A`: the node's own directory (or file) A is also seen at B.
 *
 * Paths are absolute. In `directories` and `binds` they hold no colon, and no `=` before that of the part.
 *
 * @throws UsageError naming what is wrong: for a file, all of it, with lines
 */
export function namespaceProgram(options: NamespaceOptions): NamespaceProgram {
  const { file, directories, binds = [] } = options;
  if (file && directories !== undefined) {
    throw new UsageError('--ns and --namespace exclude each other');
  }
  if (file && binds.length > 0) {
    throw new UsageError(`--bind with --ns: write a bind into ${file.name}`);
  }
  if (file) return fileProgram(file, options);
  const bound = binds.map(parseBind);
  if (directories === undefined) return treeProgram(bound, options);
  return directoriesProgram(parseDirectories(directories), bound, options);
}

/** Where a program of section 8 mounts the user's files, and the tree that the program then sees. */
const TERM = '/mnt/term';
const SANDBOX = '/mnt/sandbox';
/** What the default program mounts over; and where it has to bring the homes. */
const MOUNT_POINTS = ['/dev', '/proc', '/sys'];
const HOME = '/home';

/** One directory in place of another. */
interface Pair {
  readonly from: string;
  readonly to: string;
}

function treeProgram(binds: readonly Pair[], options: NamespaceOptions): NamespaceProgram {
  const { root = '/', readOnly, chdir, sysroots = [], homes } = options;
  const words = new Words();
  const commands = parseNamespace(SESSION_NAMESPACE).flatMap((step): NamespaceCommand[] => {
    const { line: _, ...command } = step;
    if (command.command === 'import' && readOnly) return [{ ...command, readOnly }];
    if (command.command === 'bind' && command.new === SANDBOX && homes !== undefined) {
      return [command, bindOf(words, posix.join(TERM, homes), posix.join(SANDBOX, HOME), false)];
    }
    if (command.command !== 'chroot') return [command];
    return [
      ...binds.map(({ from, to }) => bindOf(words, from, posix.join(SANDBOX, to), true)),
      command,
    ];
  });
  const cwd = inTree(options.cwd, root) ?? '/';
  commands.push({ command: 'cd', directory: words.of(posix.resolve(cwd, chdir ?? '')) });
  const home = homes === undefined ? [] : [HOME];
  const targets = [...MOUNT_POINTS, ...home, ...binds.map(({ to }) => to)];
  const mountPoints = ['', ...sysroots].flatMap((tree) => targets.map((to) => tree + to));
  return { ...words.program(commands), mountPoints, ownTree: true, ownFiles: true };
}

function directoriesProgram(
  pairs: readonly Pair[],
  binds: readonly Pair[],
  options: NamespaceOptions,
): NamespaceProgram {
  const { root = '/', readOnly, chdir } = options;
  const words = new Words();
  // What covers the mount itself comes last: after it nothing can be taken from there.
  const ordered = [...pairs].sort((a, b) => Number(isIn(TERM, a.to)) - Number(isIn(TERM, b.to)));
  for (const { from } of binds) {
    const cover = pairs.find(({ to }) => isIn(from, to));
    if (cover) throw new UsageError(`--bind ${from}: it is covered by your ${cover.from}`);
  }
  const commands: NamespaceCommand[] = [
    { command: 'unshare' },
    { command: 'import', address: '$XCPUTSADDR', directory: TERM, ...(readOnly && { readOnly }) },
    ...ordered.map(({ from, to }) => bindOf(words, posix.join(TERM, from), to, false)),
    ...binds.map(({ from, to }) => bindOf(words, from, to, true)),
  ];
  const here = inTree(options.cwd, root);
  const cwd = here === undefined ? undefined : moved(here, pairs);
  const start = chdir === undefined || cwd === undefined ? chdir : posix.resolve(cwd, chdir);
  const directory = start ?? cwd;
  if (directory !== undefined) commands.push({ command: 'cd', directory: words.of(directory) });
  const back = pairs.map(({ from, to }) => ({ from: to, to: from }));
  const mountPoints = binds.flatMap(({ to }) => moved(to, back) ?? []);
  return { ...words.program(commands), mountPoints, ownTree: false, ownFiles: true };
}

function fileProgram(
  { name, text }: { readonly name: string; readonly text: string },
  { cwd, root = '/', chdir }: NamespaceOptions,
): NamespaceProgram {
  const problems: string[] = [];
  let steps: readonly NamespaceStep[] = [];
  try {
    steps = parseNamespace(text, (variable) => KNOWN.get(variable));
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    problems.push(...error.problems.map((told) => told.replace(/^namespace line /, `${name}:`)));
  }
  // What may be mounted is for the node to say.
  for (const { line, reason } of checkNamespace(steps, { mountTypes: 'all', unresolved: true })) {
    problems.push(`${name}:${line}: ${reason}`);
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  const words = new Words();
  const start: NamespaceCommand[] =
    chdir === undefined
      ? []
      : [{ command: 'cd', directory: words.of(posix.resolve(inTree(cwd, root) ?? '/', chdir)) }];
  const end = words.program(start);
  const whole = end.text === '' || text === '' || text.endsWith('\n') ? text : `${text}\n`;
  const ownTree = steps.some(({ command }) => command === 'chroot');
  const ownFiles = steps.some((step) => 'address' in step && step.address === TERM_ADDRESS);
  return {
    ...end,
    text: whole + end.text,
    mountPoints: [...MOUNT_POINTS, HOME],
    ownTree,
    ownFiles,
  };
}

/** What every session's environment says. */
const KNOWN = new Map([
  ['XCPUTSADDR', TERM_ADDRESS],
  ['XCPUARCHDIR', ''],
]);

/** Words of a program: a path that could be taken for something else is put into a variable, and named there. */
class Words {
  readonly #variables: EnvironmentEntry[] = [];

  of(path: string): string {
    if (!/[$\n]/.test(path)) return path;
    const name = `XCPUPATH${this.#variables.length + 1}`;
    this.#variables.push([name, path]);
    return `$${name}`;
  }

  /** @throws UsageError for what no program can say */
  program(commands: readonly NamespaceCommand[]): Pick<NamespaceProgram, 'text' | 'variables'> {
    const values = new Map(this.#variables);
    const text = formatted(commands);
    const steps = parseNamespace(text, (name) => values.get(name) ?? KNOWN.get(name));
    const [problem] = checkNamespace(steps, { unresolved: true });
    if (problem) throw new UsageError(problem.reason);
    return { text, variables: this.#variables };
  }
}

function formatted(commands: readonly NamespaceCommand[]): string {
  try {
    return formatNamespace(commands);
  } catch (error) {
    throw error instanceof XcpuFormatError ? new UsageError(error.message) : error;
  }
}

/** A node's directory comes with what is mounted below it. */
function bindOf(words: Words, old: string, to: string, recursive: boolean): NamespaceCommand {
  const command = { command: 'bind', old: words.of(old), new: words.of(to) } as const;
  return recursive ? { ...command, recursive } : command;
}

function parseBind(text: string): Pair {
  const [from = '', to = from, ...more] = text.split(':');
  if (more.length > 0) throw new UsageError(`--bind ${text}: one colon is wanted, as in A:B`);
  return { from: absolute('--bind', text, from), to: target('--bind', text, to) };
}

function parseDirectories(text: string): Pair[] {
  const pairs = text.split(':').map((part): Pair => {
    const equals = part.indexOf('=');
    const [node, yours] =
      equals < 0 ? [part, part] : [part.slice(0, equals), part.slice(equals + 1)];
    return {
      from: absolute('--namespace', part, yours),
      to: target('--namespace', part, node),
    };
  });
  const twice = pairs.find(({ to }, index) => pairs.findIndex((pair) => pair.to === to) < index);
  if (twice) throw new UsageError(`--namespace: ${twice.to} is there twice`);
  return pairs;
}

function target(option: string, text: string, path: string): string {
  const place = absolute(option, text, path);
  if (place !== '/') return place;
  throw new UsageError(
    `${option} ${text}: / cannot be covered; without --namespace the whole tree is yours`,
  );
}

function absolute(option: string, text: string, path: string): string {
  if (path.startsWith('/')) return posix.resolve(path);
  throw new UsageError(`${option} ${text}: "${path}" is not an absolute path`);
}

/** A path of this machine as the nodes see it; undefined if they do not. */
function inTree(path: string, root: string): string | undefined {
  return moved(path, [{ from: root, to: '/' }]);
}

/** A path under the name that it has where the longest `from` around it is put; undefined if none is around it. */
function moved(path: string, pairs: readonly Pair[]): string | undefined {
  const around = pairs
    .filter(({ from }) => isIn(path, from))
    .reduce<Pair | undefined>(
      (longest, pair) => (longest && longest.from.length >= pair.from.length ? longest : pair),
      undefined,
    );
  return around && posix.join(around.to, posix.relative(around.from, path));
}

function isIn(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}
