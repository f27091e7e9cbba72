import type { MessageType } from '../constants.js';
import type { RMessage, TMessage } from '../messages.js';

type Type = typeof MessageType;

/** The number of the reply to each request; in every dialect it is the request's and one. */
export interface ReplyType {
  [request: number]: number;
  8: Type['Rstatfs'];
  12: Type['Rlopen'];
  14: Type['Rlcreate'];
  16: Type['Rsymlink'];
  18: Type['Rmknod'];
  20: Type['Rrename'];
  22: Type['Rreadlink'];
  24: Type['Rgetattr'];
  26: Type['Rsetattr'];
  30: Type['Rxattrwalk'];
  32: Type['Rxattrcreate'];
  40: Type['Rreaddir'];
  50: Type['Rfsync'];
  52: Type['Rlock'];
  54: Type['Rgetlock'];
  70: Type['Rlink'];
  72: Type['Rmkdir'];
  74: Type['Rrenameat'];
  76: Type['Runlinkat'];
  100: Type['Rversion'];
  102: Type['Rauth'];
  104: Type['Rattach'];
  108: Type['Rflush'];
  110: Type['Rwalk'];
  112: Type['Ropen'];
  114: Type['Rcreate'];
  116: Type['Rread'];
  118: Type['Rwrite'];
  120: Type['Rclunk'];
  122: Type['Rremove'];
  124: Type['Rstat'];
  126: Type['Rwstat'];
}

/** The reply to a request of that type. */
export type ReplyTo<T extends TMessage['type']> = Extract<
  RMessage,
  { readonly type: ReplyType[T] }
>;

/** A request without its tag, which the client chooses. */
export type Unsent<M> = M extends TMessage ? Omit<M, 'tag'> : never;
