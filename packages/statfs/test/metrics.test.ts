import type { NodeDetails } from '@xcpu/xcpu-protocol';
import { expect, it } from 'vitest';
import { formatMetrics } from '../src/metrics.js';

const UP: NodeDetails = {
  ...{ name: 'n1', addr: '10.0.0.1', arch: '/Linux/x86_64', state: 'up', numjobs: 3 },
  load: { load1: 0.5, load5: 1, load15: 2, cpus: 8, memavailable: 50, memtotal: 100, uptime: 7 },
  lastSeen: 1_800_000_000,
};
const DOWN: NodeDetails = {
  ...{ name: 'n2', addr: 'n2', arch: 'unknown (not read yet)', numjobs: 0, load: {} },
  state: 'down(disconnected)',
};

it('has a sample for all that is known, and none for what is not', () => {
  const text = formatMetrics([UP, DOWN]);
  const samples = text.split('\n').filter((line) => !line.startsWith('#') && line !== '');
  expect(samples).toEqual([
    'xcpu_nodes 2',
    'xcpu_nodes_up 1',
    'xcpu_node_info{node="n1",address="10.0.0.1",arch="/Linux/x86_64",state="up"} 1',
    'xcpu_node_info{node="n2",address="n2",arch="unknown (not read yet)",state="down(disconnected)"} 1',
    'xcpu_node_up{node="n1"} 1',
    'xcpu_node_up{node="n2"} 0',
    'xcpu_node_jobs{node="n1"} 3',
    'xcpu_node_jobs{node="n2"} 0',
    'xcpu_node_load1{node="n1"} 0.5',
    'xcpu_node_load5{node="n1"} 1',
    'xcpu_node_load15{node="n1"} 2',
    'xcpu_node_cpus{node="n1"} 8',
    'xcpu_node_memory_total_bytes{node="n1"} 100',
    'xcpu_node_memory_available_bytes{node="n1"} 50',
    'xcpu_node_uptime_seconds{node="n1"} 7',
    'xcpu_node_last_seen_timestamp_seconds{node="n1"} 1800000000',
  ]);
});

it('tells help and type of each metric once, in front of its samples', () => {
  const lines = formatMetrics([UP, DOWN]).split('\n');
  const names = [...new Set(lines.map((line) => /^\w+(?=[ {])/.exec(line)?.[0]))].filter(Boolean);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) {
    const help = lines.findIndex((line) => line.startsWith(`# HELP ${name} `));
    expect(lines[help + 1]).toBe(`# TYPE ${name} gauge`);
    expect(lines.slice(help + 2).findIndex((line) => line.startsWith(`${name}`))).toBe(0);
    expect(lines.filter((line) => line.startsWith(`# HELP ${name} `))).toHaveLength(1);
  }
});

it('escapes what a node says', () => {
  const text = formatMetrics([{ ...UP, state: 'a "b" \\ c\nd' }]);
  expect(text).toContain('state="a \\"b\\" \\\\ c\\nd"');
});
