import { formatMessage } from '@xcpu/9p-protocol';
import type { NodeTrace } from './node/dial.js';
import { printError } from './print.js';

/** Prints every message to stderr: `n8 -> Twalk tag 3 …` for what is sent, `n8 <- Rwalk …` for what comes. */
export const printTrace: NodeTrace = (node, direction, message) => {
  const arrow = direction === 'sent' ? '->' : '<-';
  printError(`${node} ${arrow} ${formatMessage(message)}\n`);
};
