import type { TMessage } from '../messages.js';
import type { Awaitable } from './files.js';
import type { Reply } from './replies.js';
import type { Request } from './request.js';

/**
 * Stands around the requests of a server: for logs, metrics and access checks. It is called when nothing is in the
 * way of the request any more; `request.user` is who sent it (not known yet in Tauth and Tattach), `request.file` what
 * it is about, `request.directory` where a Trename, Trenameat, Tlink or linking Tcreate puts a name.
 *
 * - `next()` performs the request, or calls the next interceptor, and answers or throws what came of it; it is called
 *   at most once.
 * - To refuse, throw a NinePError in place of calling it. A refused Tclunk or Tremove does away with the fid all the
 *   same.
 * - What it answers is sent: the reply of `next()`, as a rule. Replies are shared between requests: look, do not touch.
 * - The bytes of a reply to Tread (`pieces`, where it has `lent`) are overwritten by a later read once they were sent:
 *   whoever keeps them copies them before it answers.
 * - It may wait. Later requests about the fid wait for it where they would wait for the request itself (Topen, Twalk,
 *   Tcreate …), and overtake it where they would overtake that.
 *
 * Tversion, Tflush, and requests about a fid that does not exist are not passed through it.
 */
export type Intercept<User = unknown> = (
  request: Request<User>,
  message: TMessage,
  next: () => Awaitable<Reply>,
) => Awaitable<Reply>;

/** Several interceptors as one: the first is the outermost. */
export function composed<User>(
  intercepts: Intercept<User> | readonly Intercept<User>[] | undefined,
): Intercept<User> | undefined {
  if (typeof intercepts === 'function' || intercepts === undefined) return intercepts;
  return intercepts.reduceRight<Intercept<User> | undefined>(
    (inner, outer) =>
      inner
        ? (request, message, next) => outer(request, message, () => inner(request, message, next))
        : outer,
    undefined,
  );
}
