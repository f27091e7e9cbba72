import { type Dialect, encode, MessageType, type TMessage } from '@xcpu/9p-protocol';
import type { Random } from './random.js';

/**
 * Changes messages as a broken or hostile client would, and encodes them. Most cases are changed a little, so that
 * they get past the first check; one in four is left as it is.
 */
export function mutated(
  messages: readonly TMessage[],
  others: readonly TMessage[],
  dialect: Dialect,
  random: Random,
) {
  let list = [...messages];
  const changes = random.once(4) ? 0 : 1 + random.int(4);
  for (let change = 0; change < changes; change++) {
    list = random.pick([changeField, reorder, repeat, leaveOut, splice])(list, others, random);
  }
  const frames = list.flatMap((message) => encoded(message, dialect));
  return random.once(3) ? corrupted(frames, random) : frames;
}

/** Cuts bytes into chunks at random. */
export function chunked(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  const most = random.pick([bytes.length, bytes.length, 4096, 64, 3]) + 1;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.int(most);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

/**
 * Whether a node may safely get these bytes: `kill` reaches any process of this machine and `connect` any host, so
 * only what the seeds say goes through: a process number that none can have, a port where nobody listens.
 */
export function harmless(bytes: Buffer): boolean {
  const only = (word: string, rest: string) => {
    for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) {
      if (
        !bytes
          .subarray(at + word.length)
          .toString('latin1')
          .startsWith(rest)
      )
        return false;
    }
    return true;
  };
  return only('kill', ' 0 4194305\n') && only('connect', ' 127.0.0.1!1/');
}

type Change = (list: TMessage[], others: readonly TMessage[], random: Random) => TMessage[];

const changeField: Change = (list, _others, random) => {
  const index = random.int(list.length);
  return list.map((message, at) => (at === index ? fieldChanged(message, random) : message));
};

const reorder: Change = (list, _others, random) => {
  const [moved] = list.splice(random.int(list.length), 1);
  if (moved) list.splice(random.int(list.length + 1), 0, moved);
  return list;
};

const repeat: Change = (list, _others, random) => {
  const message = random.pick(list);
  const again = random.once(2) ? message : { ...message, tag: 1000 + random.int(1000) };
  list.splice(random.int(list.length + 1), 0, again);
  return list;
};

const leaveOut: Change = (list, _others, random) => {
  if (list.length > 1) list.splice(random.int(list.length), 1 + random.int(2));
  return list;
};

const splice: Change = (list, others, random) => {
  const at = random.int(others.length);
  list.splice(random.int(list.length + 1), 0, ...others.slice(at, at + 1 + random.int(6)));
  return list;
};

function fieldChanged(message: TMessage, random: Random): TMessage {
  const fields = Object.keys(message).filter((name) => name !== 'type');
  const changed: Record<string, unknown> = { ...message };
  const field = random.pick(fields);
  changed[field] = valueChanged(changed[field], random);
  return changed as unknown as TMessage;
}

function valueChanged(value: unknown, random: Random): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return random.pick([...NUMBERS, Number(value) + 1, Math.max(0, Number(value) - 1)]);
  }
  if (typeof value === 'string') return random.pick([...STRINGS, value + value, value.slice(1)]);
  if (value instanceof Uint8Array) {
    const length = random.pick([0, 1, value.length, value.length + 1, 9000]);
    return Buffer.concat([value, random.bytes(length)]).subarray(random.int(3), length);
  }
  if (Array.isArray(value)) {
    const names = value.map((name) => (random.once(2) ? valueChanged(name, random) : name));
    return random.pick([names, [], [...names, ...names], Array(17).fill('..'), ['..', ...names]]);
  }
  if (typeof value === 'object' && value !== null) {
    const field = random.pick(Object.keys(value));
    const old = (value as Record<string, unknown>)[field];
    return { ...value, [field]: valueChanged(old, random) };
  }
  return value;
}

/** Field widths cut them to size. */
const NUMBERS = [0, 1, 2, 3, 7, 64, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const STRINGS = ['', '.', '..', '/', 'a/b', '\0', 'fs', 'ctl', '0', '1', 'é', 'x'.repeat(5000)];

function encoded(message: TMessage, dialect: Dialect): Buffer[] {
  try {
    return [encode(message, dialect)];
  } catch {
    // A value that no field holds, or a message of another dialect: other cases are about those.
    return [];
  }
}

/** Frames as a client that cannot count would send them. */
function corrupted(frames: Buffer[], random: Random): Buffer[] {
  if (frames.length === 0) return frames;
  const index = random.int(frames.length);
  const frame = Buffer.from(frames[index]!);
  const damage = random.int(6);
  if (damage === 0) frame.writeUInt32LE(random.pick([0, 4, 6, 7, frame.length + 3, 0xffffffff]), 0);
  else if (damage === 1) frame[4] = random.pick([...Object.values(MessageType), random.int(256)]);
  else if (damage === 2) frame[random.int(frame.length)] = random.int(256);
  else if (damage === 3) frame[random.int(frame.length)]! ^= 1 << random.int(8);
  else if (damage === 4) return frames.with(index, resized(frame, random));
  else return [...frames.slice(0, index), frame.subarray(0, random.int(frame.length))];
  return frames.with(index, frame);
}

/** Shorter or longer than its fields say, the size being right. */
function resized(frame: Buffer, random: Random): Buffer {
  const kept = 7 + random.int(Math.max(1, frame.length - 7));
  const other = Buffer.concat([frame.subarray(0, kept), random.bytes(random.pick([0, 0, 1, 40]))]);
  other.writeUInt32LE(other.length, 0);
  return other;
}
