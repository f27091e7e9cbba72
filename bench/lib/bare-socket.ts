import { once } from 'node:events';
import { openSync, readSync, writeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';

const PIECE = 2 ** 20;
/** What the client asks for with one byte. */
const Order = { READ: 0x72, WRITE: 0x77, READ_FILE: 0x52, WRITE_FILE: 0x57 } as const;

/**
 * The far end of a socket with nothing done to what goes through it: sends bytes to whoever asks for them, and takes
 * them from whoever says that he sends some. A file may be read from on the way, or written to, by a system call for
 * each piece; while it is read, one piece is on its way and the next one made.
 * @param bytes how many, for each order
 * @returns the port of 127.0.0.1 where it listens
 */
export async function bareServer(file: string, bytes: number): Promise<number> {
  const fd = openSync(file, 'r+');
  const server = createServer({ noDelay: true }, (socket) => {
    let expected = 0;
    let toFile = false;
    socket.on('data', (chunk: Buffer) => {
      if (expected > 0) {
        if (toFile) writeSync(fd, chunk, 0, chunk.length, bytes - expected);
        expected -= chunk.length;
        if (expected === 0) socket.write('.');
      } else if (chunk[0] === Order.READ || chunk[0] === Order.READ_FILE) {
        send(socket, bytes, chunk[0] === Order.READ_FILE ? fd : undefined);
      } else {
        toFile = chunk[0] === Order.WRITE_FILE;
        expected = bytes - (chunk.length - 1);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** @returns what moves the bytes one way, and answers how many milliseconds it took */
export async function bareClient(
  port: number,
  bytes: number,
): Promise<(kind: 'read' | 'write', file: boolean) => Promise<number>> {
  const piece = Buffer.alloc(PIECE, 'x');
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  let expected = 0;
  let done = () => {};
  socket.on('data', (chunk: Buffer) => {
    expected -= chunk.length;
    if (expected === 0) done();
  });
  return async (kind, file) => {
    const start = performance.now();
    const end = new Promise<void>((resolve) => {
      done = resolve;
    });
    expected = kind === 'read' ? bytes : 1;
    const order = `${kind === 'read' ? 'READ' : 'WRITE'}${file ? '_FILE' : ''}` as const;
    socket.write(Buffer.of(Order[order]));
    if (kind === 'write') {
      for (let sent = 0; sent < bytes; sent += piece.length) {
        if (!socket.write(piece)) await once(socket, 'drain');
      }
    }
    await end;
    return performance.now() - start;
  };
}

/** Two pieces in turn: one is filled while the other is on its way. */
function send(socket: Socket, bytes: number, fd: number | undefined): void {
  let next = 0;
  const sendNext = (piece: Buffer): void => {
    if (next >= bytes) return;
    if (fd !== undefined) readSync(fd, piece, 0, PIECE, next);
    next += PIECE;
    socket.write(piece, () => sendNext(piece));
  };
  for (let count = 0; count < 2; count++) sendNext(Buffer.alloc(PIECE, 'x'));
}
