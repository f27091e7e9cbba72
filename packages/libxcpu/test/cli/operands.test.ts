import { describe, expect, it } from 'vitest';
import { idOperand, parseCommandLine, seconds, takeNodes, takeVerb } from '../../src/cli/index.js';
import { UsageError } from '../../src/index.js';

describe('takeNodes', () => {
  it.each([
    ['the first operand', ['n8', 'date'], {}, { nodes: 'n8', rest: ['date'] }],
    [
      '$NODES, operands being the program',
      ['date', '-u'],
      { env: { NODES: 'n9' } },
      { nodes: 'n9', rest: ['date', '-u'] },
    ],
    [
      '-w before $NODES',
      ['date'],
      { option: 'n7', env: { NODES: 'n9' } },
      { nodes: 'n7', rest: ['date'] },
    ],
    [
      'an operand where as many are expected',
      ['n8', 'g', '1'],
      { wanted: ['GROUP', 'GID'] },
      { nodes: 'n8', rest: ['g', '1'] },
    ],
    [
      '$NODES where no operand is left for it',
      ['g', '1'],
      { wanted: ['GROUP', 'GID'], env: { NODES: 'n9' } },
      { nodes: 'n9', rest: ['g', '1'] },
    ],
    [
      'the operand before $NODES',
      ['n8', 'g', '1'],
      { wanted: ['GROUP', 'GID'], env: { NODES: 'n9' } },
      { nodes: 'n8', rest: ['g', '1'] },
    ],
    [
      '-a before $NODES, all operands being the program',
      ['date', '-u'],
      { all: true, env: { NODES: 'n9' } },
      { nodes: undefined, rest: ['date', '-u'] },
    ],
  ])('takes %s', (_, operands, settings, expected) => {
    expect(takeNodes(operands, { env: {}, ...settings })).toEqual(expected);
  });

  it.each([
    [[], {}, 'NODES is missing'],
    [[], { env: { NODES: '' } }, 'NODES is missing'],
    [['n8'], { wanted: ['GROUP'] }, 'operands are missing; wanted: NODES GROUP'],
    [[], { wanted: ['GROUP'], env: { NODES: 'n8' } }, 'operands are missing; wanted: NODES GROUP'],
    [['n8', 'a', 'b'], { wanted: ['GROUP'] }, 'too many operands; wanted: NODES GROUP'],
    [['n8', 'a'], { wanted: ['GROUP'], option: 'n9' }, 'too many operands; wanted: GROUP'],
    [
      ['fluch', 'n8'],
      { wanted: ['GROUP', 'GID'], verbs: ['add', 'flush'] },
      'operands are missing; wanted: NODES GROUP GID; fluch is none of the verbs add, flush',
    ],
    [['n8'], { wanted: [], option: 'n9' }, 'too many operands; wanted: none'],
    [['n8'], { wanted: [], all: true }, 'too many operands; wanted: none'],
    [['date'], { all: true, option: 'n9' }, '-w names nodes, --all means all: give one'],
  ])('refuses %j with %j', (operands, settings, reason) => {
    const take = () => takeNodes(operands, { env: {}, ...settings });
    expect(take).toThrow(UsageError);
    expect(take).toThrow(reason);
  });
});

it('reads seconds as milliseconds', () => {
  expect(seconds('--timeout', undefined)).toBeUndefined();
  expect(seconds('--timeout', '1.5')).toBe(1500);
  expect(seconds('--timeout', '99999999999')).toBe(2 ** 31 - 1);
  for (const text of ['0', '-1', '1s', '', 'NaN', '1e3']) {
    expect(() => seconds('--timeout', text)).toThrow(`--timeout ${text}: `);
  }
});

it('reads user and group numbers', () => {
  expect(idOperand('UID', '4294967294')).toBe(4294967294);
  for (const text of ['4294967295', '-1', '1.5', 'x', '']) {
    expect(() => idOperand('UID', text)).toThrow(UsageError);
  }
});

it('finds the verb, or the early form without one', () => {
  const verbs = ['add', 'delete'] as const;
  expect(takeVerb(['delete', 'n8'], verbs, 'add')).toEqual({ verb: 'delete', operands: ['n8'] });
  expect(takeVerb(['n8', 'g'], verbs, 'add')).toEqual({ verb: 'add', operands: ['n8', 'g'] });
});

describe('parseCommandLine', () => {
  const text = {
    name: 'xtest',
    usage: ['NODES'],
    summary: '',
    examples: [['xtest n8', 'tests']],
  } as const;
  const parse = (...args: string[]) =>
    parseCommandLine<{ q?: boolean }>(text, args, (command) => {
      command.passThroughOptions().option('-q', 'an option');
    });

  it("leaves a program's options to it", async () => {
    const { options, operands } = await parse('-q', '--user', 'bob', 'n8', 'ls', '-l', '-a', '-w');
    expect(operands).toEqual(['n8', 'ls', '-l', '-a', '-w']);
    expect(options).toEqual({ q: true, user: 'bob' });
  });

  it.each([
    [{}, ['-a', 'date'], { all: true }],
    [{}, ['--all', 'date'], { all: true }],
    [{ all: '--all' as const }, ['--all', 'date'], { all: true }],
  ])('takes the option for all nodes, with %j', async (form, args, expected) => {
    const { options, operands } = await parseCommandLine({ ...text, ...form }, args, () => {});
    expect(options).toEqual(expected);
    expect(operands).toEqual(['date']);
  });

  it.each([{ all: '--all' as const }, { all: false as const }])(
    'leaves -a with %j',
    async (form) => {
      const parsed = parseCommandLine({ ...text, ...form }, ['-a'], () => {});
      await expect(parsed).rejects.toThrow("unknown option '-a'");
    },
  );

  it('joins node sets that are given one by one', async () => {
    expect((await parse('-w', 'n8', '-w', 'n9')).options).toMatchObject({ nodes: 'n8,n9' });
  });

  it.each([
    [['-x', 'n8'], "unknown option '-x'"],
    [['-w'], 'argument missing'],
  ])('refuses %j', async (args, reason) => {
    await expect(parse(...args)).rejects.toThrow(UsageError);
    await expect(parse(...args)).rejects.toThrow(reason);
  });
});
