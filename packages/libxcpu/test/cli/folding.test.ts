import { expect, it } from 'vitest';
import { foldErrors, linesThatFit } from '../../src/cli/index.js';
import { NodeError } from '../../src/index.js';

const failed = (node: string, reason: string) => new NodeError(node, 'failed', reason);
const refused = (node: string) =>
  failed(node, `connection refused (10.0.0.${node.slice(1)}!20002): is xcpufs running there?`);

it('folds what is the same of several nodes but for their addresses', async () => {
  const errors = [refused('n8'), failed('n2', 'no (more) disk'), refused('n10'), refused('n9')];
  expect(await foldErrors(errors)).toEqual([
    'n[8-10]: connection refused: is xcpufs running there?',
    'n2: no (more) disk',
  ]);
});

it('leaves one node its address, and what is of no node as it is', async () => {
  expect(await foldErrors([new Error('out of luck'), refused('n8'), refused('n8')])).toEqual([
    'n8: connection refused (10.0.0.8!20002): is xcpufs running there?',
    'out of luck',
  ]);
});

it('cuts lines at the width of a terminal, and nowhere else', () => {
  const text = 'NODE COMMAND\nn8   x\n\n';
  expect(linesThatFit(text, { isTTY: true, columns: 6 })).toBe('NODE C\nn8   x\n\n');
  expect(linesThatFit(text, { isTTY: true, columns: 0 })).toBe(text);
  expect(linesThatFit(text, { columns: 6 })).toBe(text);
});
