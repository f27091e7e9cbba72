import type { Fid } from './fids.js';
import type { Awaitable, ServerFile } from './files.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';

/**
 * Runs `run` once no request is deciding what the fid is. A request that is cancelled while it waits its turn
 * fails with the reason, and is never run.
 */
export function whenReady<User>(
  fid: Fid<User>,
  request: Request<User>,
  run: () => Awaitable<Reply>,
): Awaitable<Reply> {
  if (!fid.gate) return run();
  return new Promise((resolve, reject) => {
    const turn = () => {
      request.onCancel(undefined);
      try {
        resolve(run());
      } catch (error) {
        reject(error);
      }
    };
    request.onCancel((reason) => {
      // Else a client that sends and flushes would grow the queue without end.
      fid.gate?.delete(turn);
      reject(reason);
    });
    fid.gate!.add(turn);
  });
}

/** The same for a request about two fids. */
export function bothReady<User>(
  fid: Fid<User>,
  other: Fid<User>,
  request: Request<User>,
  run: () => Awaitable<Reply>,
): Awaitable<Reply> {
  const closed = fid.gate ? fid : other.gate ? other : undefined;
  // While one opens, the other may close.
  return closed ? whenReady(closed, request, () => bothReady(fid, other, request, run)) : run();
}

/** Runs what decides what the fid is; later requests about it wait until that is known. */
export function exclusive<User>(fid: Fid<User>, run: () => Awaitable<Reply>): Awaitable<Reply> {
  let reply: Awaitable<Reply>;
  try {
    reply = run();
  } catch (error) {
    openGate(fid);
    throw error;
  }
  if (!(reply instanceof Promise)) {
    openGate(fid);
    return reply;
  }
  fid.gate ??= new Set();
  return reply.finally(() => openGate(fid));
}

/** Notes a read or write that waits: the file is not closed under it. */
export function track<User>(
  fid: Fid<User>,
  request: Request<User>,
  reply: Awaitable<Reply>,
): Awaitable<Reply> {
  if (!(reply instanceof Promise)) return reply;
  fid.waiting ??= new Set();
  const { waiting } = fid;
  waiting.add(request);
  return reply.finally(() => {
    waiting.delete(request);
    if (waiting.size === 0) fid.onIdle?.();
  });
}

/** Keeps the file named while an operation on it is under way: its fid may go away meanwhile. */
export function holding<User, T>(file: ServerFile<User>, reply: Awaitable<T>): Awaitable<T> {
  if (!(reply instanceof Promise)) return reply;
  file.acquire?.();
  return reply.finally(() => file.release?.());
}

function openGate<User>(fid: Fid<User>): void {
  const waiting = fid.gate;
  fid.gate = undefined;
  if (!waiting) return;
  for (const turn of waiting) {
    // One of those before closed the gate again: the rest goes on waiting, in the same order.
    const closed = fid.gate as Set<() => void> | undefined;
    if (closed) closed.add(turn);
    else turn();
  }
}
