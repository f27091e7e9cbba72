import { type FileSystem, mount } from '../../src/client/index.js';
import {
  type AnyMessage,
  type Dialect,
  MessageType,
  type RMessage,
  transportPair,
} from '../../src/index.js';
import { RawPeer } from './raw-peer.js';

export const directoryQid = { type: 0x80, version: 0, path: 1 };

/**
 * A tree mounted from a server that answers each request with what `reply` makes of it: messages, or bytes that are
 * none. Tversion, Tattach and Tclunk it answers as it should, unless `reply` answers them first.
 */
export async function hostile(
  dialect: Dialect,
  reply: (message: AnyMessage) => Unanswered | Buffer | undefined,
): Promise<{ files: FileSystem; peer: RawPeer; asked: AnyMessage[] }> {
  const [ours, theirs] = transportPair();
  const peer = new RawPeer(theirs);
  const asked: AnyMessage[] = [];
  const answer = async () => {
    for (;;) {
      const message = await peer.next();
      asked.push(message);
      const made = reply(message) ?? decent(message, dialect);
      if (Buffer.isBuffer(made)) peer.bytes(made);
      else if (made) peer.send({ ...made, tag: message.tag } as RMessage);
      peer.dialect = dialect;
    }
  };
  void answer();
  return { files: await mount(ours, { uname: 'me', version: dialect }), peer, asked };
}

/** An answer without its tag, which is the request's. */
export type Unanswered = Record<string, unknown> & { readonly type: number };

function decent(message: AnyMessage, version: Dialect): Unanswered | undefined {
  switch (message.type) {
    case MessageType.Tversion:
      return { type: MessageType.Rversion, msize: 8192, version };
    case MessageType.Tattach:
      return { type: MessageType.Rattach, qid: directoryQid };
    case MessageType.Tclunk:
      return { type: MessageType.Rclunk };
    case MessageType.Tflush:
      return { type: MessageType.Rflush };
    case MessageType.Twalk: {
      const qids = message.names.map(() => directoryQid);
      return { type: MessageType.Rwalk, qids };
    }
    case MessageType.Topen:
      return { type: MessageType.Ropen, qid: directoryQid, iounit: 0 };
    case MessageType.Tlopen:
      return { type: MessageType.Rlopen, qid: directoryQid, iounit: 0 };
    default:
      return undefined;
  }
}
