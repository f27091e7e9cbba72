/** 9P2000 and 9P2000.u: messages, codec, errors and transports. The client is in `./client`, the server in `./server`. */
export { decode, frameTag } from './codec/decode.js';
export { encode } from './codec/encode.js';
export { FrameReader } from './codec/frame-reader.js';
export { FrameWriter } from './codec/frame-writer.js';
export { decodeStats, encodeStat } from './codec/stat.js';
export * from './constants.js';
export { dontTouch } from './dont-touch.js';
export { Errno } from './errno.js';
export { NinePError, type NinePErrorKind, protocolError } from './errors.js';
export { formatMessage } from './format.js';
export { DEFAULT_MSIZE } from './limits.js';
export type * from './messages.js';
export { DuplexTransport } from './transport/duplex.js';
export { transportPair } from './transport/pair.js';
export {
  connectTcp,
  listenTcp,
  type TcpConnectOptions,
  type TcpListenOptions,
} from './transport/tcp.js';
export type { Listener, PeerIdentity, Transport, TransportEvents } from './transport/transport.js';
export type { Qid, Stat, Uint64 } from './types.js';
