import { NinePError } from '@xcpu/9p-protocol';
import { describe, expect, it } from 'vitest';
import type { NodePlan, Step } from '../../src/index.js';
import { syncNodes } from '../../src/index.js';
import { alice, fakeNode } from '../support.js';

const planFor = (...names: string[]): NodePlan => {
  const steps: Step[] = names.map((group, index) => ({
    command: { command: 'group-add', group, gid: index },
    change: { sign: '+', name: group },
  }));
  return { changes: steps.map(({ change }) => change), steps, problems: [] };
};
const refuses = (name: string) => (line: string) => {
  if (line.includes(` ${name} `)) throw new NinePError(`${name}:group exists`);
};

describe('syncNodes', () => {
  it('says everything in one write', async () => {
    const node = await fakeNode();
    const outcomes = await syncNodes([node.target], [alice], async () => planFor('a', 'b'));
    expect(outcomes).toEqual([
      { target: node.target, changes: planFor('a', 'b').changes, problems: [] },
    ]);
    expect(node.texts('/ctl')).toEqual(['group-add a 0\ngroup-add b 1\n']);
  });

  it('parts what no message can hold', async () => {
    const node = await fakeNode();
    const names = Array.from({ length: 8000 }, (_, index) => `${'x'.repeat(200)}${index}`);
    await syncNodes([node.target], [alice], async () => planFor(...names));
    const texts = node.texts('/ctl');
    expect(texts.length).toBe(2);
    expect(texts.join('').match(/^group-add x+\d+ \d+$/gm)).toHaveLength(8000);
    for (const text of texts) expect(text).toMatch(/\n$/);
  });

  it('looks again after a refusal, and does what is left step by step', async () => {
    const node = await fakeNode({ command: refuses('a') });
    const plans = [planFor('a', 'b', 'c'), planFor('a', 'c')];
    const [outcome] = await syncNodes([node.target], [alice], async () => plans.shift()!);
    expect(node.texts('/ctl').slice(1)).toEqual(['group-add a 0\n', 'group-add c 1\n']);
    expect(outcome?.changes?.map(({ name }) => name)).toEqual(['b', 'c']);
    expect(outcome?.problems).toEqual([
      { names: ['a'], text: expect.stringMatching(/^a: a:group exists: xgetent group shows/) },
    ]);
  });

  it('says one thing at a time to a legacy node, and nothing after a refusal', async () => {
    const node = await fakeNode({ legacy: true, command: refuses('b') });
    const plan = planFor('a', 'b', 'c', 'd');
    const [outcome] = await syncNodes([node.target], [alice], async () => plan);
    expect(node.texts('/ctl')).toEqual(['group-add a 0\n', 'group-add b 1\n']);
    expect(outcome?.changes?.map(({ name }) => name)).toEqual(['a']);
    expect(outcome?.problems.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^b: b:group exists: xgetent group shows/),
      'not done after that: c d',
    ]);
    expect(node.overtaking).toBe(0);
  });

  it('says nothing in a dry run', async () => {
    const node = await fakeNode();
    const options = { dryRun: true };
    const [outcome] = await syncNodes([node.target], [alice], async () => planFor('a'), options);
    expect(outcome?.changes).toEqual(planFor('a').changes);
    expect(node.written).toEqual([]);
  });

  it('tells of a node that was lost that part of it may be done', async () => {
    const lost = await fakeNode({ command: () => void lost.server.close() });
    const other = await fakeNode({}, 'n2');
    const plan = async () => planFor('a');
    const outcomes = await syncNodes([lost.target, other.target], [alice], plan);
    expect(outcomes[0]?.changes).toBeUndefined();
    expect(outcomes[0]?.problems[0]?.text).toMatch(/Some of it may be done: run this again/);
    expect(outcomes[1]?.changes).toEqual(planFor('a').changes);
  });
});
