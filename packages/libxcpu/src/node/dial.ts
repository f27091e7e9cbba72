import {
  type AnyMessage,
  connectTcp,
  MessageType,
  NONUNAME,
  protocolError,
  type Transport,
} from '@xcpu/9p-protocol';
import { attach, Client, Fid } from '@xcpu/9p-protocol/client';
import { CHALLENGE_BYTES, signChallengeInThread } from '@xcpu/xcpu-protocol';
import { type Login, loginFor } from '../login.js';
import type { NodeTarget } from '../nodes.js';
import { connectError, LEGACY_MSIZE, loginError, requestError, timeoutError } from './errors.js';

/** Longest time to connect and log in, in milliseconds, unless told otherwise. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Every message of a node's conversation, for a log. */
export type NodeTrace = (node: string, direction: 'received' | 'sent', message: AnyMessage) => void;

/** How a node is connected to. */
export interface DialOptions {
  /** Gives up with the signal's reason; once connected it does nothing any more. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time to connect and log in, in milliseconds. Default 10 s. */
  readonly connectTimeout?: number | undefined;
  readonly trace?: NodeTrace | undefined;
  /** Largest message to ask for, in bytes; at most 32792 makes every node count as a legacy one. */
  readonly msize?: number | undefined;
  /**
   * Called when the proof is on its way, with what the result will be: requests sent now follow it at once. They fail
   * where the log-in does. Not called for legacy nodes.
   */
  readonly ahead?: ((connection: NodeConnection) => void) | undefined;
}

/** A node that let us in. */
export interface NodeConnection {
  readonly target: NodeTarget;
  /** The name that logged in. */
  readonly user: string;
  readonly client: Client;
  /** The node's root directory. */
  readonly root: Fid;
  /**
   * A historic C server, or one as small: it is sent one request about a fid at a time, and one read of a stream.
   */
  readonly legacy: boolean;
  /** Ends the conversation; what it held on the node goes. */
  close(): void;
}

/**
 * Connects to a node and logs in (wire document, section 2).
 * @throws NodeError (unreachable, timeout, refused, lost, protocol), or the signal's reason
 */
export async function dial(
  target: NodeTarget,
  login: Login,
  options: DialOptions = {},
): Promise<NodeConnection> {
  const { signal, connectTimeout = CONNECT_TIMEOUT_MS } = options;
  const attempt = new AbortController();
  const abort = () => attempt.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', abort, { once: true });
  const late = () => attempt.abort(timeoutError(target, connectTimeout / 1000));
  const timer = setTimeout(late, connectTimeout);
  try {
    return await enter(target, loginFor(target, login), options, attempt.signal);
  } catch (error) {
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function enter(
  target: NodeTarget,
  login: Login,
  options: DialOptions,
  signal: AbortSignal,
): Promise<NodeConnection> {
  const client = await converse(target, options, signal);
  // A node that stops answering in the middle of a log-in answers no Tflush either.
  const abort = () => client.destroy();
  signal.addEventListener('abort', abort, { once: true });
  const legacy = client.msize <= LEGACY_MSIZE;
  try {
    const connected = (root: Fid) => ({
      target,
      user: login.user,
      client,
      root,
      legacy,
      close: () => client.close(),
    });
    if (legacy) return connected(await logInStepwise(client, login));
    const ahead = (root: Fid) => options.ahead?.(connected(root));
    return connected(await logIn(client, login, ahead));
  } catch (error) {
    client.destroy();
    throw loginError(target, login, error, legacy);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function converse(
  target: NodeTarget,
  options: DialOptions,
  signal: AbortSignal,
): Promise<Client> {
  const { trace, msize } = options;
  let transport: Transport;
  try {
    transport = await connectTcp({ host: target.host, port: target.port, signal });
  } catch (error) {
    throw connectError(target, error);
  }
  try {
    return await Client.connect(transport, {
      signal,
      ...(msize === undefined ? {} : { msize }),
      ...(trace && { trace: (direction, message) => trace(target.name, direction, message) }),
    });
  } catch (error) {
    throw requestError(target, error);
  }
}

/** Two round trips: Tauth with the read of the challenge, then the proof with Tattach. */
async function logIn(client: Client, login: Login, ahead: (root: Fid) => void): Promise<Fid> {
  const afid = new Fid(client, client.takeFid());
  const asked = requestAuth(client, afid, login);
  const challenge = afid.read(0, CHALLENGE_BYTES);
  const [accepted, read] = await Promise.allSettled([asked, challenge]);
  if (accepted.status === 'rejected') return attachUnproven(client, login, accepted.reason);
  if (read.status === 'rejected') throw read.reason;
  const proof = login.key && (await signChallengeInThread(read.value, login.key.privateKey));
  const proved = proof && afid.write(0, proof);
  // The attach tells more: a failing proof fails it too.
  proved?.catch(() => {});
  const root = new Fid(client, client.takeFid());
  const attached = requestAttach(client, root, afid, login);
  ahead(root);
  root.qid = (await attached).qid;
  await proved;
  return root;
}

/** The same for servers that lose their way when a request overtakes an answer. */
async function logInStepwise(client: Client, login: Login): Promise<Fid> {
  const afid = new Fid(client, client.takeFid());
  try {
    await requestAuth(client, afid, login);
  } catch (error) {
    return attachUnproven(client, login, error);
  }
  const challenge = await afid.read(0, CHALLENGE_BYTES);
  if (login.key) {
    const proof = await signChallengeInThread(challenge, login.key.privateKey);
    if (proof.length > client.maxCount) {
      throw protocolError(
        `messages of ${client.msize} bytes, which the peer wants, hold no proof of ${proof.length}`,
      );
    }
    await afid.write(0, proof);
  }
  return attach(client, attachOptions(login, afid));
}

function requestAuth(client: Client, afid: Fid, { user }: Login): Promise<unknown> {
  const type = MessageType.Tauth;
  return client.request({ type, afid: afid.number, uname: user, aname: '', nUname: NONUNAME });
}

function requestAttach(client: Client, root: Fid, afid: Fid, { user }: Login) {
  const who = { uname: user, aname: '', nUname: NONUNAME };
  const type = MessageType.Tattach;
  return client.request({ type, fid: root.number, afid: afid.number, ...who });
}

/** Whoever is refused a challenge may still be let in without one; if not, the first refusal says why. */
async function attachUnproven(client: Client, login: Login, refusal: unknown): Promise<Fid> {
  try {
    return await attach(client, attachOptions(login, undefined));
  } catch {
    throw refusal;
  }
}

function attachOptions({ user }: Login, afid: Fid | undefined) {
  return { uname: user, ...(afid && { afid }) };
}
