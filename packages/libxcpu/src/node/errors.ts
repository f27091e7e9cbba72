import { NinePError } from '@xcpu/9p-protocol';
import { errorText, NodeError } from '../errors.js';
import type { Login } from '../login.js';
import type { NodeTarget } from '../nodes.js';
import { lackOf } from './lacks.js';

/** The msize that the historic C servers answer; none of them answers more. */
export const LEGACY_MSIZE = 32_792;

/** What failed to connect, in words and with the way out. Errors of connect(2) and getaddrinfo(3). */
export function connectError(target: NodeTarget, error: unknown): NodeError {
  const { name, host, port } = target;
  const where = `${host}!${port}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason =
    CONNECT_REASONS[code]?.(where, host === name ? '' : ` ${host}`) ??
    `${errorText(error)} (${where})`;
  return new NodeError(name, 'unreachable', reason, { cause: error });
}

/** A node that did not answer within `seconds`. */
export function timeoutError(target: NodeTarget, seconds: number): NodeError {
  const where = `${target.host}!${target.port}`;
  const reason = `no answer within ${seconds} s (${where}): is the node up and the port open?`;
  return new NodeError(target.name, 'timeout', reason);
}

/**
 * What a node answered to a log-in, with the way out.
 * @param legacy whether it answers as the C programs do
 */
export function loginError(
  target: NodeTarget,
  login: Login,
  error: unknown,
  legacy = false,
): NodeError {
  if (!(error instanceof NinePError) || error.kind !== 'file') return requestError(target, error);
  const way = loginHint(error.ename, login, legacy);
  return new NodeError(target.name, 'refused', `${printable(error.ename)}${way}`, { cause: error });
}

/** What became of a request to a node that was reached and let us in. */
export function requestError(target: NodeTarget, error: unknown): NodeError {
  if (error instanceof NodeError) return error;
  if (!(error instanceof NinePError)) {
    return new NodeError(target.name, 'failed', errorText(error), { cause: error });
  }
  const text = printable(error.ename);
  const where = `${target.host}!${target.port}`;
  switch (error.kind) {
    case 'closed': {
      const reason = `${text} (${where}): is xcpufs running there?`;
      return new NodeError(target.name, 'lost', reason, { cause: error });
    }
    case 'protocol': {
      const reason = `${text}: is this xcpufs (${where})?`;
      return new NodeError(target.name, 'protocol', reason, { cause: error });
    }
    default: {
      const reason = lackOf(text) ?? `${text}${requestHint(text)}`;
      return new NodeError(target.name, 'failed', reason, { cause: error });
    }
  }
}

/**
 * Files were to be served to a node that has no way to them but a connection of its own.
 * @param msize what it agreed to: no C node is known to take less than it offers
 */
export function legacyFilesError(target: NodeTarget, msize: number): NodeError {
  const reason =
    msize < LEGACY_MSIZE
      ? `it takes messages of ${msize} bytes only, too small for your files: -l runs what is there, xcpufs -m allows larger ones`
      : 'a legacy node, which cannot reach your files this way: -l runs what is there, --legacy-export offers them on a port';
  return new NodeError(target.name, 'failed', reason);
}

/** A peer's text made fit for a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

/** `other` is the host's name behind a blank, where the node is called otherwise. */
const CONNECT_REASONS: Readonly<Record<string, (where: string, other: string) => string>> = {
  ECONNREFUSED: (where) => `connection refused (${where}): is xcpufs running there?`,
  ENOTFOUND: (_, other) =>
    `unknown host${other}: give it an address in /etc/hosts or the node map ($XCPU_NODES_FILE or ~/.config/xcpu/nodes)`,
  EAI_AGAIN: (_, other) =>
    `the name service does not answer${other && ` for${other}`}: try its IP address`,
  EHOSTUNREACH: (where) => `no route to the host (${where}): is the node up?`,
  ENETUNREACH: (where) => `network unreachable (${where})`,
  ETIMEDOUT: (where) => `no answer (${where}): is the node up and the port open?`,
  EMFILE: (where) =>
    `too many open files here (${where}): raise the limit with ulimit -n, or take fewer nodes`,
};

/** The way out behind a node's own words. */
function requestHint(ename: string): string {
  if (ename.endsWith(':group not found')) return ': add the group first, with xgroupset';
  if (ename.endsWith(':group not empty')) return ': delete its users first, with xuserset';
  if (ename.endsWith(':group exists')) {
    return ': xgetent group shows which has that name or number';
  }
  if (ename.endsWith(':user exists')) return ': xgetent passwd shows who has that name or number';
  if (ename === 'invalid key type') {
    return ': this node knows RSA keys only, as C nodes do; give one that ssh-keygen -t rsa makes';
  }
  return '';
}

function loginHint(ename: string, { user, key, adminKeyMissing }: Login, legacy: boolean): string {
  const shown = printable(user);
  if (adminKeyMissing) {
    const who = ename === 'unknown user' ? shown : `for ${shown}`;
    return ` ${who}: no administrator's key was found; name one with -A or $XCPU_ADMIN_KEY`;
  }
  if (ename === 'unknown user') {
    return `: the node does not know ${shown}; an administrator adds users with xuserset`;
  }
  if (ename === 'authentication failed') {
    if (!key) return ` for ${shown}: no key was found; name one with -k or -A`;
    const { type } = key.privateKey.publicKey;
    if (legacy && type !== 'ssh-rsa') {
      return ` for ${shown}: C nodes know RSA keys only, and ${key.file} is ${type}; name one with -k or -A`;
    }
    const other = key.found ? ' -k names another' : '';
    return ` for ${shown}: is ${key.file} the right key?${other}`;
  }
  return ` for ${shown}`;
}
