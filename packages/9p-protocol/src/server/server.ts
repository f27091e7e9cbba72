import { Errno } from '../errno.js';
import { NinePError } from '../errors.js';
import { type ServerLimits, serverLimits } from '../limits.js';
import type { Transport } from '../transport/transport.js';
import { Connection, type ConnectionEvents } from './connection.js';
import type { FileServer } from './files.js';
import { composed, type Intercept } from './intercept.js';

export interface ServerOptions<User = unknown> extends ConnectionEvents {
  /** Changes to the default limits. */
  readonly limits?: Partial<ServerLimits>;
  /** Called around each request, the first of several outermost; see {@link Intercept}. */
  readonly intercept?: Intercept<User> | readonly Intercept<User>[];
}

/**
 * Serves a file tree to any number of connections, whatever they come over:
 * `listenTcp({ port }, (transport) => server.accept(transport))`.
 */
export class Server<User = unknown> {
  readonly limits: ServerLimits;
  /** Those whose transport is open, even if the conversation is over: a peer that does not read keeps its socket. */
  readonly connections = new Set<Connection>();
  readonly #files: FileServer<User>;
  readonly #events: ConnectionEvents;
  readonly #intercept: Intercept<unknown> | undefined;
  readonly #perPeer = new Map<string, number>();

  /** @throws NinePError (EINVAL) if a limit makes no sense. */
  constructor(files: FileServer<User>, options: ServerOptions<NoInfer<User>> = {}) {
    this.#files = files;
    this.#events = options;
    this.#intercept = composed(options.intercept) as Intercept<unknown> | undefined;
    this.limits = serverLimits(options.limits);
  }

  /** Begins a conversation; beyond the limits of connections the transport is closed instead. */
  accept(transport: Transport): Connection | undefined {
    const { group } = transport.peer;
    const ofPeer = this.#perPeer.get(group) ?? 0;
    if (
      this.connections.size >= this.limits.connections ||
      ofPeer >= this.limits.connectionsPerPeer
    ) {
      transport.destroy();
      return undefined;
    }
    this.#perPeer.set(group, ofPeer + 1);
    const connection: Connection = new Connection(
      transport,
      this.#files as FileServer<unknown>,
      this.limits,
      this.#events,
      this.#intercept,
      () => this.#gone(connection),
    );
    this.connections.add(connection);
    return connection;
  }

  /** Ends all conversations, replies that are ready first. */
  close(): void {
    for (const connection of this.connections) {
      connection.close(new NinePError('server is closing', Errno.ECONNRESET, { kind: 'closed' }));
    }
  }

  #gone(connection: Connection): void {
    this.connections.delete(connection);
    const { group } = connection.transport.peer;
    const left = (this.#perPeer.get(group) ?? 1) - 1;
    if (left > 0) this.#perPeer.set(group, left);
    else this.#perPeer.delete(group);
  }
}
