import {
  type AnyMessage,
  type Dialect,
  decode,
  encode,
  FrameReader,
  type RMessage,
  type TMessage,
  type Transport,
  transportPair,
} from '../../../src/index.js';

/** Tags of requests that a defect adds: from here on down. */
const OWN_TAG = 0xeeee;

/** What a broken server does with what passes; whatever is left out passes as it is. */
export interface Hooks {
  /** A request on its way in: what is passed on (the last of several is answered), or a reply that is given at once. */
  request?(message: TMessage): TMessage | readonly TMessage[] | RMessage;
  /** A reply on its way out; undefined loses it, of several the last is the answer's copy. */
  reply?(reply: RMessage, request: TMessage): RMessage | readonly RMessage[] | undefined;
  /** A request that is no message. */
  unknown?(frame: Buffer): RMessage | undefined;
}

/** Stands between a client and a good server, and spoils what passes. */
export function spoiled(good: Transport, dialect: Dialect, hooks: Hooks): Transport {
  const [theirs, ours] = transportPair();
  const requests = new Map<number, TMessage>();
  const own = new Set<number>();
  const toClient = (message: RMessage) => ours.send([encode(message, dialect)]);
  const incoming = new FrameReader(1 << 24);
  const outgoing = new FrameReader(1 << 24);
  const request = (frame: Buffer) => {
    const message = understood(frame, dialect);
    if (!message) {
      const answer = hooks.unknown?.(frame);
      return answer ? toClient(answer) : good.send([Buffer.from(frame)]);
    }
    const passed = hooks.request?.(message as TMessage) ?? (message as TMessage);
    if ('type' in passed && passed.type % 2 === 1) {
      return toClient({ ...(passed as RMessage), tag: passed.tag || message.tag });
    }
    const list = ('type' in passed ? [passed] : passed) as readonly TMessage[];
    list.forEach((one, index) => {
      const added = index < list.length - 1;
      const tag = added ? OWN_TAG - index : message.tag;
      if (added) own.add(tag);
      else requests.set(tag, message as TMessage);
      good.send([encode({ ...one, tag }, dialect)]);
    });
  };
  const reply = (frame: Buffer) => {
    const message = understood(frame, dialect) as RMessage;
    if (own.delete(message.tag)) return;
    const asked = requests.get(message.tag)!;
    const passed = hooks.reply ? hooks.reply(message, asked) : message;
    for (const one of passed === undefined ? [] : 'type' in passed ? [passed] : passed) {
      toClient(one as RMessage);
    }
  };
  pump(ours, good, (chunk) => incoming.push(chunk, request));
  pump(good, ours, (chunk) => outgoing.push(chunk, reply));
  return theirs;
}

function pump(from: Transport, to: Transport, data: (chunk: Buffer) => void): void {
  from.start({ data, drain: () => {}, close: () => to.close() });
}

function understood(frame: Buffer, dialect: Dialect): AnyMessage | undefined {
  try {
    return decode(Buffer.from(frame), dialect, { strings: 'bytes' });
  } catch {
    return undefined;
  }
}
