import type { Session } from './session.js';

/** How long a node is waited for, in milliseconds. */
const PATIENCE_MS = 2000;

/** Ends a session's program and removes the session. Never throws, and waits for no node that does not answer. */
export async function wipe(session: Session): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  await Promise.race([session.wipe().catch(() => {}), patience]);
  clearTimeout(timer);
}
