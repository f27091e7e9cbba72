/** What one session, or all of them, may take of a node. Each with the reason of its size. */

/** Output of a stream that is kept in memory, in bytes: hides a round trip, and what a late reader still sees. */
export const STREAM_WINDOW = 1024 * 1024;
/** Output of one stream of a persistent session that is kept on disk, in bytes: a day of an ordinary job's log. */
export const SPOOL_QUOTA = 64 * 1024 * 1024;
/** Largest `env`, `argv` or `ns`, in bytes: half of what execve(2) takes altogether. */
export const MAX_TEXT = 1024 * 1024;
/** Fids of one connection: a client that drives 1,000 sessions on it needs 9 for each. */
export const MAX_FIDS = 16_384;
/** Sessions of one node, and of one user on it. */
export const MAX_SESSIONS = 8_192;
export const MAX_SESSIONS_PER_USER = 4_096;
/** Persistent sessions of one user: each may take twice SPOOL_QUOTA of disk and 34 descriptors for a long time. */
export const MAX_PERSISTENT_PER_USER = 128;
/** What one user's namespaces may import at a time: half of what a node mounts through FUSE, so that others find room. */
export const MAX_IMPORTS_PER_USER = 256;
/**
 * What a server that is imported may take to answer until it is mounted, in milliseconds: dialling, the version and the
 * attach. The program waits for it, and its user for the program.
 */
export const IMPORT_MS = 10_000;
/** Between telling a session's program to end and killing it, in milliseconds. */
export const GRACE_MS = 10_000;
/** What a node says to whoever serves it through `term` is read ahead so far, in bytes: hides a round trip. */
export const TERM_WINDOW = 256 * 1024;
/**
 * The same where reading must never stop, as for the kernel's 9P client: then the channel is closed. All that 64
 * processes can have under way with messages of 1 MiB.
 */
export const TERM_STALLED = 64 * 1024 * 1024;
