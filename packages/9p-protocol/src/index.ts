/**
 * 9P2000, 9P2000.u and 9P2000.L: messages, codec, errors and transports. The client is in `./client`, the server in `./server`.
 * @module @xcpu/9p-protocol
 */
export { decode, frameTag } from './codec/decode.js';
export {
  type DirectoryEntry,
  decodeDirents,
  direntSize,
  encodeDirent,
} from './codec/dirent.js';
export { encode } from './codec/encode.js';
export { FrameReader, type PayloadPieces } from './codec/frame-reader.js';
export { FrameWriter } from './codec/frame-writer.js';
export { decodeStats, encodeStat } from './codec/stat.js';
export { bytesToName, type DecodeOptions, nameToBytes } from './codec/strings.js';
export * from './constants.js';
export * from './constants-linux.js';
export { dontTouch } from './dont-touch.js';
export { Errno } from './errno.js';
export { NinePError, type NinePErrorKind, protocolError } from './errors.js';
export { formatMessage } from './format.js';
export { DEFAULT_MSIZE } from './limits.js';
export type * from './messages.js';
export { linuxPermissions, plan9Permissions } from './permissions.js';
export {
  type Address,
  DEFAULT_PORT,
  dial,
  listen,
  parseAddress,
} from './transport/address.js';
export { DuplexTransport } from './transport/duplex.js';
export {
  type MessageSocket,
  type MessageTransportOptions,
  messageTransport,
} from './transport/message.js';
export { transportPair } from './transport/pair.js';
export { PieceQueue } from './transport/piece-queue.js';
export { endOnSilence } from './transport/silence.js';
export {
  connectTcp,
  listenTcp,
  type TcpConnectOptions,
  type TcpListenOptions,
} from './transport/tcp.js';
export type { Listener, PeerIdentity, Transport, TransportEvents } from './transport/transport.js';
export {
  connectUnix,
  listenUnix,
  type UnixConnectOptions,
  type UnixListenOptions,
} from './transport/unix.js';
export type { Attributes, FileSystemStatistics, Qid, Stat, Uint64 } from './types.js';
