import { connect, createServer, type Socket } from 'node:net';

/** Stands between a command and a node, and can be told to stop passing on what the command says. */
export class Relay {
  /** As commands take it: `127.0.1.50!40001`. */
  readonly name: string;
  readonly #close: () => void;

  private constructor(name: string, close: () => void) {
    this.name = name;
    this.#close = close;
  }

  /**
   * @param limit bytes of a connection that are passed on to the node; `reached` is called then, once, and no more go
   * through
   */
  static start(
    host: string,
    node: { readonly host: string; readonly port: number },
    limit: number,
    reached: () => void,
  ): Promise<Relay> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(node.port, node.host);
      let passed = 0;
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          client.destroy();
          upstream.destroy();
        });
      }
      upstream.pipe(client);
      client.on('data', (data) => {
        if (passed >= limit) return;
        upstream.write(data.subarray(0, limit - passed));
        passed += data.length;
        if (passed >= limit) reached();
      });
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, host, () => {
        const bound = server.address();
        const port = typeof bound === 'object' && bound ? bound.port : 0;
        const close = () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        };
        resolve(new Relay(`${host}!${port}`, close));
      });
    });
  }

  stop(): void {
    this.#close();
  }
}
