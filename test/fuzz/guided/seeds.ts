import { encode, NinePError, type TMessage } from '@xcpu/9p-protocol';
import { Random } from '../random.js';
import { DIALECTS } from './codec.js';
import { requestIn } from './requests.js';
import { Supply } from './supply.js';

/** Inputs for each kind of target; as many as a run can look at in a second. */
const COUNT = 200;
/** Enough for most steps of a conversation. */
const LENGTH = 400;

/** What the codec begins with: messages of every type in every dialect, behind the choices of how to look at them. */
export function codecSeeds(seed: number): Buffer[] {
  const random = new Random(seed);
  const seeds: Buffer[] = [];
  for (let tag = 0; tag < 3 * COUNT; tag++) {
    const dialect = DIALECTS[tag % DIALECTS.length]!;
    const frame = encoded(requestIn(new Supply(random.bytes(60)), dialect, tag), dialect);
    const choices = [random.int(4), tag % DIALECTS.length, random.int(2)];
    if (frame && frame.length < 1000) seeds.push(Buffer.from([...choices, ...frame]));
  }
  return seeds;
}

/** What conversations begin with: any choices do. */
export function conversationSeeds(seed: number): Buffer[] {
  const random = new Random(seed);
  return Array.from({ length: COUNT }, () => random.bytes(random.int(LENGTH)));
}

/** undefined for a message that cannot be said. */
function encoded(message: TMessage, dialect: (typeof DIALECTS)[number]): Buffer | undefined {
  try {
    return encode(message, dialect);
  } catch (error) {
    if (error instanceof NinePError) return undefined;
    throw error;
  }
}
