import { printable } from '@xcpu/libxcpu/cli';
import { fold } from '@xcpu/nodeset';
import { type NodeStatus, STATE_UP } from '@xcpu/xcpu-protocol';

/** Words of schedulers that are told apart; nodes invent their states. */
const MAX_STATES = 8;

/** How many nodes are in which state, and which are not up: `up 62, down 2: n[7,19]`. Fit for a terminal. */
export function formatSummary(nodes: readonly NodeStatus[]): string {
  const groups = new Map<string, string[]>();
  for (const { name, state } of nodes) {
    const known = groups.get(kindOf(state));
    if (known) known.push(name);
    else if (groups.size < MAX_STATES) groups.set(kindOf(state), [name]);
    else groups.set(OTHER, [...(groups.get(OTHER) ?? []), name]);
  }
  const up = groups.get(STATE_UP)?.length ?? 0;
  groups.delete(STATE_UP);
  const others = [...groups].map(([state, names]) => `, ${state} ${names.length}: ${fold(names)}`);
  return printable(`up ${up}${others.join('')}`);
}

const OTHER = 'other';

/** All reasons to be down are one. */
function kindOf(state: string): string {
  return /^down\b/.test(state) ? 'down' : state;
}
