/** What statfs takes of its machine, and how long it waits. Each with the reason of its size. */

/** Nodes that are connected to at once. Most answer within milliseconds: it is those that do not that add up. */
export const MAX_CONNECTING = 512;

/** A host that is up refuses a connection within this, in milliseconds; one that is down says nothing. */
export const PROMPT_REFUSAL_MS = 500;

/** A log-in takes this long on a node that is busy, in milliseconds; no less than a period. */
export const LEAST_CONNECT_TIMEOUT_MS = 5_000;

/** The same for an answer of a node that has let us in; no less than half a period. */
export const LEAST_ANSWER_TIMEOUT_MS = 2_000;

/** Between the first requests to two nodes when statfs starts, in milliseconds; all within one period. */
export const START_SPREAD_MS = 2;

/** Largest message from a node, in bytes: a directory of hundreds of sessions; more than historic C nodes agree to. */
export const NODE_MSIZE = 64 * 1024;

/** Clients of ours: descriptors are to be left for nodes. */
export const MAX_CLIENTS = 1024;
export const MAX_CLIENTS_PER_HOST = 256;

/** Fids of one client, who need not even say truly who he is: all of them together take some hundreds of megabytes. */
export const MAX_CLIENT_FIDS = 1024;

/** Bytes of earlier versions of one file that are kept for clients who are still reading them. */
export const MAX_OLD_VERSIONS = 64 * 1024 * 1024;

/**
 * How long one version of a file, or of the listing of `nodes`, is what everybody gets, in milliseconds: who asks all the
 * time costs no more.
 */
export const STATE_AGE_MS = 50;
export const METRICS_AGE_MS = 500;

/** HTTP: connections, and how long one may be silent or take for a request, in milliseconds. */
export const MAX_HTTP_CONNECTIONS = 64;
export const HTTP_TIMEOUT_MS = 10_000;
