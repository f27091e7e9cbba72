import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { listenTcp } from '@xcpu/9p-protocol';
import { Server } from '@xcpu/9p-protocol/server';
import {
  type LegacyFiles,
  type ServeFiles,
  SetupError,
  systemText,
  UsageError,
} from '@xcpu/libxcpu';
import type { EnvironmentEntry } from '@xcpu/xcpu-protocol';
import { travellingEnvironment } from './export/environment.js';
import { type Exporter, exportFiles } from './export/exporter.js';
import { namespaceProgram } from './export/namespace.js';
import type { Owner } from './export/owners.js';
import { privateFiles } from './export/private-files.js';
import { sysroots } from './export/sysroots.js';

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
 * Makes this machine's files ready to be seen by programs on nodes.
 * @param keyFile the key that xrx logs in with, which no node may see
 * @throws UsageError, SetupError for what the options ask and cannot be
 */
export async function clientFiles(
  options: FileOptions,
  keyFile: string | undefined,
): Promise<ClientFiles> {
  const { chdir, readOnly, namespace: directories, bind: binds, show } = options;
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const root = realRoot(options.root ?? '/');
  if (options.root !== undefined) checkShell(root, options);
  const trees = sysroots(process.env, root);
  const program = namespaceProgram({
    cwd: process.cwd(),
    chdir,
    root,
    readOnly,
    file: options.ns === undefined ? undefined : programFile(options.ns),
    directories,
    binds,
    sysroots: trees,
  });
  const keyFiles = keyFile === undefined ? [] : [resolve(keyFile)];
  const secrets = privateFiles({ home: homedir(), uid, keyFiles, env: process.env });
  const exporter = exportFiles({
    root,
    readOnly,
    hidden: [...secrets, ...absolute(options.hide)],
    shown: absolute(show),
    mountPoints: program.mountPoints,
  });
  return {
    files: ({ transport, limits, owner }) => {
      const files = exporter.forNode({
        host: { uid, gid },
        node: owner,
        account: { ...owner, home: homedir(), shell: process.env.SHELL || '/bin/sh' },
      });
      new Server(files, { limits }).accept(transport);
    },
    exportRoot: root,
    namespace: program.text,
    env: [...program.variables, ...travellingEnvironment(process.env, program.ownTree)],
    legacyFiles: options.legacyExport
      ? await listeningFiles(exporter, { uid, gid }, program.text)
      : undefined,
  };
}

/**
 * Serves the files at a port, to nodes that were connected to and nobody else. They prove nothing: whoever can take such
 * an address, or is any user of such a node, reads and writes what its user can here. So it has to be asked for.
 */
async function listeningFiles(
  exporter: Exporter,
  host: Owner,
  namespace: string,
): Promise<LegacyFiles> {
  const nodes = new Set<string>();
  const server = new Server(exporter.forNode({ host, node: host }));
  const listener = await listenTcp({ port: 0 }, (transport) => {
    if (nodes.has(transport.peer.group)) server.accept(transport);
    else transport.destroy();
  });
  return {
    port: Number(/\d+$/.exec(listener.address)?.[0]),
    // Historic nodes know no options; what is read-only is so here.
    namespace: namespace.replace(/^(bind|import) (-r |-o ro )+/gm, '$1 '),
    allow: (address) => nodes.add(address),
  };
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

function absolute(paths: readonly string[] = []): string[] {
  return paths.map((path) => resolve(path));
}
