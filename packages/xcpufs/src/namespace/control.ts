import type { Duplex } from 'node:stream';
import { BEGIN, OK, READY } from './scripts.js';

/**
 * Leads the builder of a namespace: lets it begin, and tells it what became of each import.
 * @param control its descriptor CONTROL
 * @param admitted resolves when it may begin
 * @param mountAll called when there is a namespace to mount in; begins all imports, in the order in which they are wanted
 */
export async function leadBuilder(
  control: Duplex,
  admitted: Promise<unknown>,
  mountAll: () => readonly Promise<unknown>[],
): Promise<void> {
  control.on('error', () => {});
  if (!(await isReady(control))) return;
  const imports = mountAll().map(outcome);
  await admitted;
  control.write(`${BEGIN}\n`);
  for (const done of imports) control.write(`${await done}\n`);
}

/** Whether the builder got so far: it is killed if nobody wants its program any more. */
function isReady(control: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    control.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      if (text.length > READY.length) resolve(text === `${READY}\n`);
    });
    control.on('close', () => resolve(false));
  });
}

/** One line. */
function outcome(mounting: Promise<unknown>): Promise<string> {
  return mounting.then(
    () => OK,
    (error) => (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' '),
  );
}
