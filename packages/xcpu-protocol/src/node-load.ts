/** How busy a node is: what its file `load` says. What an older node does not say is absent. */
export interface NodeLoad {
  /** Processes that run or wait for a disk, averaged over 1, 5 and 15 minutes: proc(5), loadavg. */
  readonly load1?: number;
  readonly load5?: number;
  readonly load15?: number;
  /** Processors that programs can run on. */
  readonly cpus?: number;
  /** Bytes of memory, and how many of them a new program can have without swapping. */
  readonly memtotal?: number;
  readonly memavailable?: number;
  /** Seconds since the node was started. */
  readonly uptime?: number;
}

/** Names of the lines, in their order. */
const NAMES = [
  'load1',
  'load5',
  'load15',
  'cpus',
  'memtotal',
  'memavailable',
  'uptime',
] as const satisfies readonly (keyof NodeLoad)[];

/** The text of a node's `load`: `name value` per line. */
export function formatNodeLoad(load: NodeLoad): string {
  const known = NAMES.filter((name) => load[name] !== undefined);
  return known.map((name) => `${name} ${load[name]}\n`).join('');
}

/** A node's `load`. Lines that nobody here knows, or whose values are no numbers, are skipped: nodes differ in age. */
export function parseNodeLoad(text: string): NodeLoad {
  const load: { -readonly [K in keyof NodeLoad]: NodeLoad[K] } = {};
  for (const line of text.split('\n')) {
    const [, word, value] = /^(\w+) (\d{1,16}(?:\.\d{1,6})?)$/.exec(line) ?? [];
    const name = NAMES.find((known) => known === word);
    if (name) load[name] = Number(value);
  }
  return load;
}
