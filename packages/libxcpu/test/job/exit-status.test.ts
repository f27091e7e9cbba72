import { expect, it } from 'vitest';
import { jobExitStatus, NodeError, type NodeErrorKind, type RankResult } from '../../src/index.js';

const exited = (exitCode: number): RankResult => ({ rank: 1, node: 'n1', status: { exitCode } });
const killed = (signal: number): RankResult => ({ rank: 1, node: 'n1', status: { signal } });
const failed = (kind: NodeErrorKind): RankResult => ({
  rank: 1,
  node: 'n1',
  error: new NodeError('n1', kind, 'reason'),
});

it.each([
  [[exited(0), exited(0)], 0],
  [[exited(3), exited(7), exited(0)], 7],
  [[killed(9)], 137],
  [[exited(127), exited(1)], 127],
  [[failed('failed'), exited(1)], 125],
  [[failed('expired'), exited(1)], 124],
  [[failed('cancelled')], 130],
  [[failed('missing'), exited(0)], 1],
  [[failed('missing'), exited(3)], 3],
  [[exited(255), failed('unreachable')], 254],
  [[failed('refused')], 254],
  [[failed('lost')], 254],
  [[failed('timeout')], 254],
  [[failed('protocol')], 254],
  [[exited(254), exited(255)], 255],
])('case %#', (results, status) => {
  expect(jobExitStatus(results)).toBe(status);
});
