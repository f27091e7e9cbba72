import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A network between xrx and a node: passes on what is said, until it is told not to. */
export class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(node: { readonly host: string; readonly port: number }) {
    this.#server = createServer((near) => {
      const far = connect(node.port, node.host);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from.setNoDelay());
        from.on('error', () => {});
        from.on('data', (chunk) => void to.write(chunk));
        from.on('close', () => to.destroy());
      }
    });
  }

  static async start(node: { readonly host: string; readonly port: number }): Promise<Link> {
    const link = new Link(node);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.1.250', resolve));
    return link;
  }

  /** The node's, by way of this. */
  get name(): string {
    return `127.0.1.250!${(this.#server.address() as AddressInfo).port}`;
  }

  /** Keeps what is said, or goes on. */
  stall(standsStill: boolean): void {
    for (const socket of this.#sockets)
      if (standsStill) socket.pause();
      else socket.resume();
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
  }
}
