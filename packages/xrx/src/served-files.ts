import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { listenTcp } from '@xcpu/9p-protocol';
import { Server } from '@xcpu/9p-protocol/server';
import type { FileChannel, LegacyFiles } from '@xcpu/libxcpu';
import { type Exporter, exportFiles } from './export/exporter.js';
import { privateFiles } from './export/private-files.js';

/** What of this machine is served. */
export interface ServedOptions {
  /** What nodes see as `/`. */
  readonly root: string;
  readonly readOnly: boolean | undefined;
  readonly hide: readonly string[] | undefined;
  readonly show: readonly string[] | undefined;
  readonly mountPoints: readonly string[];
  /** Directories in whose place nodes find empty ones. */
  readonly emptied: readonly string[] | undefined;
  /** Directories that nodes of other kinds see as `/`. */
  readonly trees: readonly string[];
  /** Where xrx was started, if that is known. */
  readonly cwd: string | undefined;
  /** The key that xrx logs in with, which no node may see. */
  readonly keyFile: string | undefined;
}

/** The invoking user's files, with his rights, for any number of nodes. */
export class ServedFiles {
  readonly #exporter: Exporter;
  readonly #host = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  readonly #self = knownUser();
  readonly #home = process.env.HOME || this.#self.home || '/';

  /** @throws UsageError, SetupError for what cannot be served */
  constructor(options: ServedOptions) {
    const { root, readOnly, hide, show, mountPoints, emptied, trees, keyFile } = options;
    const keyFiles = keyFile === undefined ? [] : [resolve(keyFile)];
    const { uid } = this.#host;
    const { name: user, home: passwdHome } = this.#self;
    const own = { home: this.#home, passwdHome, user, uid, cwd: options.cwd };
    const secrets = privateFiles({ ...own, keyFiles, env: process.env });
    this.#exporter = exportFiles({
      root,
      readOnly,
      hidden: [...secrets, ...absolute(hide)],
      shown: absolute(show),
      mountPoints,
      emptied,
      trees,
    });
  }

  /** Serves one node. */
  serve({ transport, limits, owner }: FileChannel): void {
    const shell = process.env.SHELL || '/bin/sh';
    const account = { ...owner, home: this.#home, shell };
    const files = this.#exporter.forNode({ host: this.#host, node: owner, account });
    new Server(files, { limits }).accept(transport);
  }

  /**
   * Serves at a port, to nodes that were connected to and nobody else. They prove nothing: whoever can take such an
   * address, or is any user of such a node, reads and writes what its user can here. So it has to be asked for.
   * @param namespace the program that mounts what is served
   */
  async listen(namespace: string): Promise<LegacyFiles> {
    const nodes = new Set<string>();
    const server = new Server(this.#exporter.forNode({ host: this.#host, node: this.#host }));
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
}

/** The user as passwd(5) has him, if it does. */
function knownUser(): { readonly name?: string; readonly home?: string } {
  try {
    const { username: name, homedir: home } = userInfo();
    return { name, home };
  } catch {
    return {};
  }
}

function absolute(paths: readonly string[] = []): string[] {
  return paths.map((path) => resolve(path));
}
