import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import {
  type LegacyFiles,
  type ServeFiles,
  SetupError,
  systemText,
  UsageError,
} from '@xcpu/libxcpu';
import { usesMore } from '@xcpu/libxcpu/cli';
import type { EnvironmentEntry } from '@xcpu/xcpu-protocol';
import { travellingEnvironment } from './export/environment.js';
import { homesBelow } from './export/homes.js';
import { namespaceProgram } from './export/namespace.js';
import { sysroots } from './export/sysroots.js';
import type { ServedFiles } from './served-files.js';
import { namedDirectory, workingDirectory } from './working-directory.js';

/** Which of this machine's files the programs see, and where: options of the command line. */
export interface FileOptions {
  readonly chdir?: string;
  readonly ns?: string;
  readonly namespace?: string;
  readonly root?: string;
  readonly readOnly?: true;
  readonly bind?: readonly string[];
  readonly hide?: readonly string[];
  readonly show?: readonly string[];
  readonly legacyExport?: true;
}

/** What a job is told so that its programs see the user's files. */
export interface ClientFiles {
  readonly files: ServeFiles;
  readonly exportRoot: string;
  readonly namespace: string;
  readonly env: readonly EnvironmentEntry[];
  readonly legacyFiles: LegacyFiles | undefined;
}

/**
 * Makes this machine's files ready to be seen by programs on nodes. What serves them is loaded while the first node is
 * at work already, unless an option may be wrong about it.
 * @param keyFile the key that xrx logs in with, which no node may see
 * @throws UsageError, SetupError for what the options ask and cannot be
 */
export async function clientFiles(
  options: FileOptions,
  keyFile: string | undefined,
): Promise<ClientFiles> {
  const { chdir, readOnly, namespace: directories, bind: binds, hide, show } = options;
  const root = realRoot(options.root ?? '/');
  if (options.root !== undefined) checkShell(root, options);
  const trees = sysroots(process.env, root);
  const wholeTree = options.ns === undefined && directories === undefined;
  // Historic nodes are told what they always were.
  const bindsHomes = wholeTree && (trees.length > 0 || options.legacyExport);
  const homes = bindsHomes ? homesBelow(root, trees) : undefined;
  const program = namespaceProgram({
    cwd: startingPoint(options),
    chdir,
    root,
    readOnly,
    file: options.ns === undefined ? undefined : programFile(options.ns),
    directories,
    binds,
    sysroots: trees,
    homes: homes?.directory,
  });
  const { mountPoints } = program;
  const emptied = homes?.emptied;
  let loading: Promise<ServedFiles> | undefined;
  const served = () => {
    usesMore();
    loading ??= import('./served-files.js').then(
      ({ ServedFiles }) =>
        new ServedFiles({
          ...{ root, readOnly, hide, show, mountPoints, emptied, trees, keyFile },
          cwd: namedDirectory(),
        }),
    );
    return loading;
  };
  if (options.root ?? hide ?? show) await served();
  return {
    files: (channel) => {
      served().then(
        (files) => files.serve(channel),
        (error) => channel.transport.destroy(error),
      );
    },
    exportRoot: root,
    namespace: program.text,
    env: [...program.variables, ...travellingEnvironment(process.env, program.ownTree)],
    legacyFiles: options.legacyExport ? await (await served()).listen(program.text) : undefined,
  };
}

/**
 * The namespace program of `--ns`, and whether it needs what xrx serves; if not, the user's directories mean nothing
 * in it.
 * @throws UsageError, SetupError for a file that cannot be read, or is no such program
 */
export function ownNamespace({ chdir, ns = '' }: FileOptions) {
  const program = namespaceProgram({
    cwd: startingPoint({ chdir, ns }),
    chdir,
    file: programFile(ns),
  });
  const env = [...program.variables, ...travellingEnvironment(process.env, false)];
  return { namespace: program.text, env, ownFiles: program.ownFiles };
}

/**
 * Where the way to the directory begins that the programs start in.
 * @throws SetupError if that is the working directory, and no node can be told of it
 */
function startingPoint({ chdir, ns }: { chdir?: string | undefined; ns?: string | undefined }) {
  const named = chdir === undefined ? ns !== undefined : chdir.startsWith('/');
  return named ? '/' : workingDirectory();
}

function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch (error) {
    throw new SetupError(`--root ${root}: ${systemText(error)}`);
  }
}

/** Programs are started by the shell of the tree that they see: better said here than by each node. */
function checkShell(root: string, { ns, namespace, bind = [] }: FileOptions): void {
  const own = ns === undefined && namespace === undefined && bind.length === 0;
  if (!own || existsSync(join(root, 'bin/sh'))) return;
  throw new UsageError(
    `--root ${root}: there is no /bin/sh in it to start programs with; --bind /bin --bind /lib --bind /lib64 --bind /usr show the node's`,
  );
}

function programFile(name: string): { name: string; text: string } {
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (error) {
    throw new SetupError(`--ns ${name}: cannot be read: ${systemText(error)}`);
  }
}
