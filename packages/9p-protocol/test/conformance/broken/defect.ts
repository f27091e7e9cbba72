import type { RMessage, TMessage } from '../../../src/index.js';
import { failed, success } from './messages.js';
import type { Hooks } from './proxy.js';

/** One thing that a server does wrong, and the behaviours that must notice: subject → names. */
export interface Defect {
  readonly name: string;
  /** For each connection to the server anew; the first is number 1. */
  readonly hooks: (connection: number) => Hooks;
  readonly breaks: Readonly<Record<string, readonly string[]>>;
}

/** A defect that spoils requests one by one. */
export function spoilsRequests(
  name: string,
  request: NonNullable<Hooks['request']>,
  breaks: Defect['breaks'],
): Defect {
  return { name, hooks: () => ({ request }), breaks };
}

/** A defect that spoils replies one by one. */
export function spoilsReplies(
  name: string,
  reply: NonNullable<Hooks['reply']>,
  breaks: Defect['breaks'],
): Defect {
  return { name, hooks: () => ({ reply }), breaks };
}

/** A defect of all connections but the first, on which a behaviour depends for its beginning and its end. */
export function spoilsLater(name: string, hooks: () => Hooks, breaks: Defect['breaks']): Defect {
  return { name, hooks: (connection) => (connection === 2 ? hooks() : {}), breaks };
}

/** A server that forgets to refuse some requests. */
export function forgets(
  name: string,
  when: (request: TMessage, errno: number) => boolean,
  breaks: Defect['breaks'],
): Defect {
  const reply = (answer: RMessage, request: TMessage): RMessage => {
    const errno = failed(answer);
    return errno !== undefined && when(request, errno) ? success(request) : answer;
  };
  return spoilsReplies(name, reply, breaks);
}
