import { type AnyMessage, type Dialect, listenTcp } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server } from '@xcpu/9p-protocol/server';

export interface TreeServerOptions {
  readonly host: string;
  readonly readonly?: boolean;
  /** All by default. */
  readonly dialects?: readonly Dialect[];
}

/** A directory of this machine that anybody may import, with the rights of the tests. */
export class TreeServer implements AsyncDisposable {
  /** As `import` takes it: HOST!PORT. */
  readonly address: string;
  readonly #stop: () => Promise<void>;
  readonly #requests: number[];

  private constructor(address: string, requests: number[], stop: () => Promise<void>) {
    this.address = address;
    this.#requests = requests;
    this.#stop = stop;
  }

  static async start(directory: string, options: TreeServerOptions): Promise<TreeServer> {
    const { host, readonly = false, dialects } = options;
    const files = serveDirectory(directory, { readonly });
    const requests: number[] = [];
    const trace = (_: unknown, direction: string, message: AnyMessage) => {
      if (direction === 'received') requests.push(message.type);
    };
    const server = new Server(
      { byteNames: true, ...(dialects && { dialects }), attach: (...who) => files.attach(...who) },
      { trace },
    );
    const listener = await listenTcp({ host, port: 0 }, (transport) => {
      server.accept(transport);
    });
    return new TreeServer(listener.address, requests, async () => {
      server.close();
      await listener.close();
      files.close();
    });
  }

  /** Types of the requests (MessageType) that came since this was asked last. */
  takeRequests(): number[] {
    return this.#requests.splice(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}
