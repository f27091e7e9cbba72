import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** Whoever reads. */
export interface PipeReader {
  /** Where the next bytes are to go: asked for ahead of each read. */
  buffer(): Buffer;
  /** So many bytes are in the buffer that was asked for last: those of one read(2). */
  read(length: number): void;
  /** There is no more to read, with the reason if that is an error of read(2). The descriptor is closed by then. */
  end(error: NodeJS.ErrnoException | undefined): void;
}

/** Node's wrapper of libuv's uv_pipe_t, as far as it is used here. */
interface PipeHandle {
  /** @returns 0, or a negative error number */
  open(fd: number): number;
  close(): void;
}

/** What net.Socket takes beside what it documents. */
interface PipeOptions extends SocketConstructorOpts {
  readonly handle: PipeHandle;
  readonly onread: OnReadOpts;
}

interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

/**
 * Reads a descriptor that epoll(7) can wait for as Node reads a pipe: in the loop, when there is something to be read.
 *
 * Node offers that for sockets, pipes and terminals alone; of all else, fs.read waits in a thread. For /dev/fuse that is
 * a thread for each mount, and two threads that wake each other for each request: with it, reading many small files took
 * a quarter longer. libuv opens any descriptor as a pipe, but the class that does it (process.binding) and the option of
 * net.Socket that takes it are not documented; both are in all of Node from 0.10 to 24.
 * @returns closes the descriptor, at once: what was not read by then is not read any more
 * @throws Error if this Node has no such class, or the descriptor cannot be waited for
 */
export function readAsPipe(fd: number, reader: PipeReader): () => void {
  const { Pipe, constants } = pipeBinding();
  const handle = new Pipe(constants.SOCKET);
  const status = handle.open(fd);
  if (status !== 0) {
    handle.close();
    throw new Error(`cannot wait for descriptor ${fd}: error ${-status}`);
  }
  let failure: NodeJS.ErrnoException | undefined;
  const options: PipeOptions = {
    handle,
    writable: false,
    onread: {
      buffer: () => reader.buffer(),
      callback: (length: number) => {
        reader.read(length);
        return true;
      },
    },
  };
  const socket = new Socket(options)
    .on('error', (error) => {
      failure = error;
    })
    .on('close', () => reader.end(failure));
  return () => socket.destroy();
}

function pipeBinding(): PipeBinding {
  const { binding } = process as { binding?: (name: string) => PipeBinding };
  if (!binding) throw new Error(`FUSE mounts need a Node.js before ${process.version}`);
  return binding.call(process, 'pipe_wrap');
}
