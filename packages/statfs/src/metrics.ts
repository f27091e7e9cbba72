import { type NodeDetails, STATE_UP } from '@xcpu/xcpu-protocol';

/** The media type of what `formatMetrics` writes. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * What is known of the nodes, as Prometheus reads it. What is not known of a node has no line.
 * Source: Prometheus, "Exposition formats", text-based format.
 */
export function formatMetrics(nodes: readonly NodeDetails[]): string {
  const up = nodes.filter(isUp).length;
  const text = family('xcpu_nodes', 'Nodes that are watched.', [`xcpu_nodes ${nodes.length}`]);
  const upText = family('xcpu_nodes_up', 'Nodes whose state is "up".', [`xcpu_nodes_up ${up}`]);
  const infos = nodes.map(
    (node) =>
      `xcpu_node_info${labels(node.name, { address: node.addr, arch: node.arch, state: node.state })} 1`,
  );
  const infoText = family('xcpu_node_info', 'What a node is and says of itself.', infos);
  return [text, upText, infoText, ...METRICS.map((metric) => metricText(metric, nodes))].join('');
}

/** A number for each node. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly value: (node: NodeDetails) => number | undefined;
}

const METRICS: readonly Metric[] = [
  {
    name: 'xcpu_node_up',
    help: 'Whether the state of the node is "up".',
    value: (node) => (isUp(node) ? 1 : 0),
  },
  { name: 'xcpu_node_jobs', help: 'Sessions on the node.', value: ({ numjobs }) => numjobs },
  { name: 'xcpu_node_load1', help: 'Load average, 1 minute.', value: ({ load }) => load.load1 },
  { name: 'xcpu_node_load5', help: 'Load average, 5 minutes.', value: ({ load }) => load.load5 },
  { name: 'xcpu_node_load15', help: 'Load average, 15 minutes.', value: ({ load }) => load.load15 },
  { name: 'xcpu_node_cpus', help: 'Processors.', value: ({ load }) => load.cpus },
  {
    name: 'xcpu_node_memory_total_bytes',
    help: 'Memory.',
    value: ({ load }) => load.memtotal,
  },
  {
    name: 'xcpu_node_memory_available_bytes',
    help: 'Memory that a new program can have without swapping.',
    value: ({ load }) => load.memavailable,
  },
  {
    name: 'xcpu_node_uptime_seconds',
    help: 'Time since the node was started.',
    value: ({ load }) => load.uptime,
  },
  {
    name: 'xcpu_node_last_seen_timestamp_seconds',
    help: 'When the node answered last, in seconds since 1970.',
    value: ({ lastSeen }) => lastSeen,
  },
];

function metricText({ name, help, value }: Metric, nodes: readonly NodeDetails[]): string {
  const samples = nodes.flatMap((node) => {
    const number = value(node);
    return number === undefined ? [] : [`${name}${labels(node.name)} ${number}`];
  });
  return family(name, help, samples);
}

function family(name: string, help: string, samples: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.map((line) => `${line}\n`).join('')}`;
}

function labels(node: string, more: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries({ node, ...more });
  return `{${pairs.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function isUp({ state }: NodeDetails): boolean {
  return state === STATE_UP;
}
