import type { DialOptions, Login, NodeConnection, NodeTarget } from '../index.js';
import { seconds } from './operands.js';

/** The option that names the administrator's key: flags and help, for commander. */
export const ADMIN_KEY_OPTION = [
  '-A, --admin-key <FILE>',
  'key of the administrator ($XCPU_ADMIN_KEY, /etc/xcpu/admin_key)',
] as const;

/** What a command line says of how nodes are reached. */
export interface ReachOptions {
  readonly adminKey?: string;
  readonly user?: string;
  readonly connectTimeout?: string;
  readonly debug?: boolean;
}

/** Nodes, and how to log in there. */
export interface Reach {
  readonly targets: readonly NodeTarget[];
  readonly logins: readonly [Login, ...Login[]];
  readonly dial: DialOptions;
}

/**
 * The nodes of a command line that are asked as the administrator, or as the user where his key is not here.
 * @param nodes as `takeNodes` takes them
 * @param fallBack whether a key that is not the administrator's for a node is tried as the invoking user's
 * @throws UsageError, SetupError
 */
export async function reachNodes(
  nodes: string | undefined,
  { adminKey: adminKeyFile, user, connectTimeout, debug }: ReachOptions,
  { fallBack = false } = {},
): Promise<Reach> {
  const timeout = seconds('--connect-timeout', connectTimeout);
  const { adminLogins, findNodes, printTrace } = await import('../index.js');
  const dial = { connectTimeout: timeout, trace: debug ? printTrace : undefined };
  const targets = await findNodes(nodes, dial);
  return { targets, logins: await adminLogins({ adminKeyFile, user, fallBack }), dial };
}

/** What came of asking nodes, in their order. */
export interface Asked<T> {
  readonly answers: readonly { readonly target: NodeTarget; readonly answer: T }[];
  /** Of nodes that did not answer: NodeErrors mostly. */
  readonly failures: unknown[];
}

/** Asks all of the nodes the same, many at once, each on a connection of its own. */
export async function askNodes<T>(
  { targets, logins, dial }: Reach,
  ask: (connection: NodeConnection) => Promise<T>,
): Promise<Asked<T>> {
  const { dialAs, fanOut } = await import('../index.js');
  const outcomes = await fanOut(targets, async (target) => {
    const connection = await dialAs(target, logins, dial);
    try {
      return { target, answer: await ask(connection) };
    } finally {
      connection.close();
    }
  });
  return {
    answers: outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
    failures: outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])),
  };
}
