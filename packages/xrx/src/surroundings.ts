import { type LaunchOptions, UsageError } from '@xcpu/libxcpu';
import { namedVariables } from './export/named-variables.js';
import type { Options } from './options.js';
import type { ShipTelling } from './shipped.js';

/** Options that are about the user's files. */
const ABOUT_FILES = [
  'root',
  'readOnly',
  'bind',
  'hide',
  'show',
  'namespace',
  'ns',
  'legacyExport',
] as const;

/**
 * What the programs find: the user's files or the node's, and variables; and how they come there, if they are shipped.
 * @param keyFile the key that xrx logs in with, which no node may see
 * @throws UsageError, SetupError for what the options ask and cannot be
 */
export async function surroundings(
  options: Options,
  argv: readonly string[],
  keyFile: string | undefined,
  telling: ShipTelling,
): Promise<LaunchOptions> {
  const named = namedVariables(process.env);
  const found = await nodesOwn(options, argv, telling);
  if (found) return { ...found, env: named };
  const { clientFiles } = await import('./client-files.js');
  const files = await clientFiles(options, keyFile);
  return { ...files, env: [...named, ...files.env] };
}

/**
 * The same for programs that go on when xrx, and with it what it serves, is gone.
 * @throws UsageError, SetupError for what the options ask and cannot be
 */
export async function lastingSurroundings(
  options: Options,
  argv: readonly string[],
  telling: ShipTelling,
): Promise<LaunchOptions> {
  const named = namedVariables(process.env);
  const found = await nodesOwn(options, argv, telling);
  if (found) return { ...found, env: named };
  const others = ABOUT_FILES.filter((name) => name !== 'ns');
  refuse(options, others, 'is about your files, which go when xrx does: not with --detach');
  const { ownNamespace } = await import('./client-files.js');
  const own = options.ns === undefined ? undefined : ownNamespace(options);
  if (own && !own.ownFiles) {
    return { namespace: own.namespace, env: [...named, ...own.env] };
  }
  const where = own ? `${options.ns} imports your files` : 'the programs would see your files';
  throw new UsageError(
    `--detach: ${where}, which go when xrx does; wanted: -l, --ship, or --ns with none of yours`,
  );
}

/** What programs are given that see the node's own files; undefined for others. */
async function nodesOwn(
  options: Options,
  argv: readonly string[],
  telling: ShipTelling,
): Promise<LaunchOptions | undefined> {
  const { l, ship, e, chdir } = options;
  if (ship || e !== undefined) {
    const others = ABOUT_FILES.filter((name) => name !== 'root');
    refuse(options, others, 'is about your files, of which --ship shows none');
    return (await import('./shipped.js')).shippedProgram(options, argv, telling);
  }
  if (!l) return undefined;
  refuse(options, ABOUT_FILES, 'is about your files, of which -l shows none');
  return { cwd: chdir };
}

function refuse(options: Options, names: readonly (keyof Options)[], why: string): void {
  for (const name of names) {
    if (options[name] === undefined) continue;
    const option = name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${option} ${why}`);
  }
}
