import type { Fid } from '@xcpu/9p-protocol/client';
import type { CachePolicy } from './cache.js';
import type { Owners } from './owners.js';
import { entryReply, type FuseAttributes, type FuseEntry } from './protocol/replies.js';
import type { Pipeline } from './remote/pipeline.js';
import type { Remote, RemoteFile } from './remote/remote.js';
import { HandleTable } from './tree/handles.js';
import type { Node } from './tree/node.js';
import type { NodeTable } from './tree/node-table.js';

/** What a request is answered with. */
export interface Answer {
  readonly body: readonly Uint8Array[];
  /** Takes back what the answer promised: the kernel no longer wanted it. */
  readonly refused?: () => void;
}

/** Done, and nothing more to say. */
export const DONE: Answer = { body: [] };

/** Everything that the operations of one mount share. */
export class Volume {
  readonly remote: Remote;
  readonly pipeline: Pipeline;
  readonly nodes: NodeTable;
  readonly handles = new HandleTable();
  readonly owners: Owners;
  readonly cache: CachePolicy;
  /** Tells the kernel that attributes of a file that it has are no longer right. */
  readonly forgetAttributes: (node: Node) => void;
  /** Names this mount among the clients of the server, for locks. */
  readonly clientId: string;

  constructor(parts: Omit<Volume, 'handles' | 'shown' | 'entry' | 'find' | 'entryAnswer'>) {
    this.remote = parts.remote;
    this.pipeline = parts.pipeline;
    this.nodes = parts.nodes;
    this.owners = parts.owners;
    this.cache = parts.cache;
    this.forgetAttributes = parts.forgetAttributes;
    this.clientId = parts.clientId;
  }

  /** A file's attributes as this machine sees them. */
  shown({ attributes }: RemoteFile): FuseAttributes {
    return { ...attributes, ...this.owners.shown(attributes) };
  }

  entry(node: Node, file: RemoteFile): FuseEntry {
    return {
      node: node.id,
      generation: 0,
      entryTimeout: this.cache.entries,
      attributesTimeout: this.cache.attributes,
      attributes: this.shown(file),
    };
  }

  /** Asks the server for the file of that name. */
  find(
    parent: Node,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly node: Node; readonly file: RemoteFile }> {
    const ask = (fid: Fid) => this.remote.getattr(fid, { signal });
    return this.nodes.use(parent, async (directory) => {
      const [fid, file] = await this.pipeline.walk(directory, name, ask, { signal });
      return { node: this.nodes.found(parent, name, file, fid), file };
    });
  }

  /** The answer that tells of a file: one more reference to it. */
  entryAnswer(node: Node, file: RemoteFile, more: readonly Uint8Array[] = []): Answer {
    this.nodes.refer(node);
    return {
      body: [entryReply(this.entry(node, file)), ...more],
      refused: () => this.nodes.forget(node.id, 1),
    };
  }
}
