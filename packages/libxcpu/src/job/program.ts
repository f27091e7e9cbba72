import { OpenMode } from '@xcpu/9p-protocol';
import {
  type EnvironmentEntry,
  formatArgv,
  formatEnvironment,
  formatNamespace,
  MAX_COMMAND_BYTES,
  type SessionCommand,
} from '@xcpu/xcpu-protocol';
import type { NodeConnection } from '../node/dial.js';

/** What a session is to run. */
export interface Program {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** What the node looks up and runs, where that is not the first of `argv`. */
  readonly path?: string | undefined;
  /** Which of the job's programs this is, from 1 on. */
  readonly rank: number;
  /** The job's name; the node keeps none if left out. */
  readonly jobid?: string | undefined;
  /** Directory to start in: the user's home if left out, `/` on a legacy node. */
  readonly cwd?: string | undefined;
  /** The namespace program that it runs behind; with it, `cwd` is left to that program's last `cd`. */
  readonly namespace?: string | undefined;
  /** The directory of this machine that its files are served from, which it sees as `/`. Default `/`. */
  readonly exportRoot?: string | undefined;
  /** How it reaches the files on a legacy node, which has no `term`. */
  readonly legacyFiles?: LegacyFiles | undefined;
  /**
   * Whether there is input for it. Without, its input ends at once: `closeStdin` is then needed for a legacy node only.
   */
  readonly input: boolean;
  /** Variables added to what the node gives; a name that the node gives already keeps the node's value. */
  readonly env?: Iterable<EnvironmentEntry> | undefined;
  /** How many programs the job has: `XCPU_SIZE`. */
  readonly size?: number | undefined;
  /** The nodes of the job, in the order of the ranks: `XCPU_NODELIST`. */
  readonly nodeList?: string | undefined;
  /** Whether the session stays when nobody holds it, until it is wiped; not on a legacy node. */
  readonly persistent?: boolean | undefined;
}

/** Files that are served at a port of this machine, for nodes that know no other way. */
export interface LegacyFiles {
  readonly port: number;
  /** The namespace program that mounts them from `$XCPUTSADDR`, as historic nodes understand it. */
  readonly namespace: string;
  /** Told of the address of each node that is going to connect. */
  allow(address: string): void;
}

/** The texts that a session's `argv`, `env` and `ns` are to say. */
export interface ProgramTexts {
  readonly argv: readonly string[];
  readonly environment: readonly EnvironmentEntry[];
  readonly namespace: string;
}

/** One file of a session to be written, with the mode to open it with. */
interface SetUpFile {
  readonly file: 'env' | 'argv' | 'ns';
  readonly mode: number;
  readonly text: string;
}

/** Appends without truncating, so that the lines follow the node's own. */
const APPEND = OpenMode.WRITE | OpenMode.APPEND;
const REWRITE = OpenMode.WRITE | OpenMode.TRUNCATE;

/** What `XCPUTSADDR` says where the session itself is the way to the client's files: docs/protocol.md. */
const OWN_TERM = 'session!term';
/** Room for what `exec` says beside it. */
const REST_BYTES = 512;
/** A legacy node copies its default into `ns` and cannot truncate that: a program has to be as long to cover it. */
const LEGACY_NAMESPACE_BYTES = 1004;

/**
 * The texts that set up a program on a node (wire document, section 4).
 *
 * @param archDirectory where programs of the node's kind of machine are on this one; empty for nowhere
 * @param ownTerm whether the session itself is the way to the client's files
 */
export function programTexts(
  program: Program,
  connection: NodeConnection,
  archDirectory: string,
  ownTerm: boolean,
): ProgramTexts {
  return {
    argv: program.argv,
    environment: environmentOf(program, connection, archDirectory, ownTerm),
    namespace: namespaceOf(program, connection),
  };
}

/**
 * What says the texts in ctl, so that they travel with `exec`; nothing where lines cannot say them, or are too long.
 * @param maxBytes what one write takes
 */
export function setUpCommands(
  { argv, environment, namespace }: ProgramTexts,
  maxBytes: number,
): SessionCommand[] {
  // Quoting a text makes it at most twice as long, and a blank longer.
  const texts = [...argv, ...environment.flat(), namespace];
  const bytes = texts.reduce((sum, text) => sum + 2 * Buffer.byteLength(text) + 4, 0);
  const most = Math.min(MAX_COMMAND_BYTES, maxBytes) - REST_BYTES;
  if (bytes > most || texts.slice(0, -1).some((text) => text.includes('\n'))) return [];
  return [
    { command: 'env', entries: environment },
    { command: 'argv', args: argv },
    { command: 'ns', lines: linesOf(namespace) },
  ];
}

/** The same as files, in the order in which legacy clients write them. */
export function setUpFiles({ argv, environment, namespace }: ProgramTexts): SetUpFile[] {
  // Begins with an empty line, as legacy clients do: the node's own last line may lack its newline.
  const env = `\n${formatEnvironment(environment)}`;
  return [
    { file: 'env', mode: APPEND, text: env },
    { file: 'argv', mode: REWRITE, text: formatArgv(argv) },
    { file: 'ns', mode: REWRITE, text: namespace },
  ];
}

function environmentOf(
  { env = [], exportRoot = '/', legacyFiles, rank, size, nodeList }: Program,
  { client, legacy }: NodeConnection,
  archDirectory: string,
  ownTerm: boolean,
): EnvironmentEntry[] {
  const { localAddress: address, peer } = client.transport;
  const port = legacy ? legacyFiles?.port : undefined;
  if (port !== undefined) legacyFiles?.allow(hostOf(peer.address));
  const files = port === undefined ? address : `${hostOf(address)}!${port}`;
  return [
    ['XCPUARCHDIR', seenFrom(exportRoot, archDirectory)],
    ['XCPUCLADDR', address],
    ['XCPUTSADDR', ownTerm ? OWN_TERM : files],
    ['XCPU_RANK', String(rank)],
    ...(size === undefined ? [] : [['XCPU_SIZE', String(size)] as const]),
    ...(nodeList === undefined ? [] : [['XCPU_NODELIST', nodeList] as const]),
    ...env,
  ];
}

function namespaceOf({ cwd, namespace, legacyFiles }: Program, { legacy }: NodeConnection): string {
  const whole = legacy ? legacyFiles?.namespace : namespace;
  if (whole === undefined && cwd === undefined && !legacy) return '';
  const text = whole ?? formatNamespace([{ command: 'cd', directory: cwd ?? '/' }]);
  const blanks = legacy ? LEGACY_NAMESPACE_BYTES - Buffer.byteLength(text) : 0;
  return text.replace(' ', ' '.repeat(1 + Math.max(blanks, 0)));
}

/** Without the end of the last one. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** The first half of `host!port`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf('!'));
}

/** A directory as it is called below another; empty if it is not there. */
function seenFrom(root: string, directory: string): string {
  if (root === '/' || directory === '') return directory;
  return directory.startsWith(`${root}/`) ? directory.slice(root.length) : '';
}
