/** Longest node set text that is read, in UTF-16 units. The kernel takes at most 128 KiB per argument; folded lists in files may be longer. */
export const MAX_TEXT_LENGTH = 1_048_576;

/** Longest text of one node (`user@tcp!host!port`): a DNS name has at most 253 characters, a user name 32 to 255. */
export const MAX_NODE_LENGTH = 512;

/** Nodes that `expand` and `NodeSet.toArray` return at most, unless the caller names another limit. */
export const DEFAULT_EXPAND_LIMIT = 1_000_000;

/** Digits a number may have to take part in ranges and numeric order; a longer run of digits is plain text. */
export const MAX_DIGITS = 15;

/** Intervals that one operation may make: sets whose parts overlap in scattered ways would otherwise exhaust memory. */
export const MAX_INTERVALS = 4_000_000;

/** Longest node map file that is read, in UTF-16 units. */
export const MAX_NODE_MAP_LENGTH = 16_777_216;
