import { Errno, NinePError, OpenMode } from '@xcpu/9p-protocol';
import type { OpenFile, Request, SyntheticAttributes } from '@xcpu/9p-protocol/server';
import type { Session } from '../session/session.js';
import type { Caller } from './caller.js';
import { type Holder, NodeFile } from './node-file.js';

/** `term`: whoever opens it serves 9P to the session's program. Its protocol is told in docs/protocol.md. */
export class TermFile extends NodeFile {
  readonly #session: Session;
  readonly #describe: () => SyntheticAttributes;

  /** @param describe the file's owner and permissions as they are by then */
  constructor(
    session: Session,
    describe: () => SyntheticAttributes,
    path: number,
    holder: Holder | undefined,
  ) {
    super(describe(), path, holder);
    this.#session = session;
    this.#describe = describe;
  }

  protected override opened(mode: number, request: Request<Caller>): OpenFile<Caller> {
    this.#session.checkAlive();
    // The session may be another user's by now, whose programs would read the files of this one.
    request.user.checkOpen(this.#describe(), mode);
    if ((mode & OpenMode.ACCESS_MASK) !== OpenMode.READ_WRITE) {
      throw new NinePError('term: open it for reading and writing', Errno.EINVAL);
    }
    const end = this.#session.openTerm();
    return {
      stream: true,
      read: (_offset, count, read) => end.read(count, read),
      write: (_offset, data, write) => end.write([data], write),
      writePieces: (_offset, pieces, write) => end.write(pieces, write),
      close: () => end.close(),
    };
  }

  protected override truncate(): void {
    // A stream has nothing to drop.
  }
}
