import { type DirectoryEntry, LinuxOpen, type Uint64 } from '@xcpu/9p-protocol';
import type { Fid, RequestOptions } from '@xcpu/9p-protocol/client';
import type { Pipeline } from '../remote/pipeline.js';
import type { Listing, Remote } from '../remote/remote.js';
import type { Node } from './node.js';
import type { NodeTable } from './node-table.js';

const FLAGS = LinuxOpen.RDONLY | LinuxOpen.DIRECTORY;

/** What a directory is opened with. */
interface Opener {
  readonly nodes: NodeTable;
  readonly pipeline: Pipeline;
  readonly remote: Remote;
}

/**
 * A directory that a process has open. Many are opened and never read, to change to or to mount on: so it is opened on
 * the server when the first name of it is wanted, or before by whoever has to know whether it can be.
 */
export class OpenDirectory implements Listing {
  readonly #node: Node;
  readonly #opener: Opener;
  /** The last file that its listing told of. */
  lastFile: Node | undefined;
  #opening: Promise<{ readonly fid: Fid; readonly listing: Listing }> | undefined;

  constructor(node: Node, opener: Opener) {
    this.#node = node;
    this.#opener = opener;
  }

  /** The open fid. @throws NinePError why it cannot be opened; it may be tried again */
  async open(options: RequestOptions): Promise<Fid> {
    return (await this.#opened(options)).fid;
  }

  async from(offset: Uint64, options: RequestOptions): Promise<readonly DirectoryEntry[]> {
    return (await this.#opened(options)).listing.from(offset, options);
  }

  /** Lets go of it; the answer of the server, if it is late, matters to nobody. */
  close(): void {
    void this.#opening?.then(({ fid }) => fid.clunk()).catch(() => {});
  }

  #opened(options: RequestOptions) {
    this.#opening ??= this.#open(options).catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(options: RequestOptions) {
    const { nodes, pipeline, remote } = this.#opener;
    const open = (fid: Fid) => remote.open(fid, FLAGS, options);
    const [fid] = await nodes.use(this.#node, (directory) =>
      pipeline.walk(directory, undefined, open, options),
    );
    return { fid, listing: remote.list(fid) };
  }
}
