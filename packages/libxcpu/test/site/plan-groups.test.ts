import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planGroups } from '../../src/site/plan-groups.js';
import { planUsers } from '../../src/site/plan-users.js';
import { ModelNode, siteUser } from './support.js';

type Groups = Readonly<Record<string, number>>;

const SYNC = { sync: true, self: 'xcpu-admin', file: 'groups.txt' };
const ADD = { ...SYNC, sync: false };

describe('planGroups', () => {
  it('adds what a node lacks, reports other numbers and leaves what is too much', () => {
    const node = nodeWith({ staff: 10, old: 11 });
    expect(follow(node, { staff: 12, video: 13, crew: 11 }, ADD)).toEqual({
      said: '+video',
      problems: [
        'staff has gid 10, unlike groups.txt:1; --sync changes that',
        'crew: the number 11 is that of old there',
      ],
    });
    expect(Object.fromEntries(node.groups)).toMatchObject({ staff: 10, old: 11, video: 13 });
  });

  it('with --sync renumbers and removes, and members stay members', () => {
    const node = nodeWith({ staff: 10, video: 11, audio: 12, old: 13 }, [
      siteUser('ann', 1, ['staff', 'video', 'old']),
    ]);
    expect(follow(node, { staff: 10, video: 12, audio: 11, crew: 13 }, SYNC)).toEqual({
      said: '+crew ~video(gid 11 to 12) ~audio(gid 12 to 11) -old',
      problems: [],
    });
    expect([...node.users.get('ann')!.groups].sort()).toEqual(['staff', 'video']);
    expect(follow(node, { staff: 10, video: 12, audio: 11, crew: 13 }, SYNC).said).toBe('');
  });

  it('leaves a group that is the default one of somebody, and one whose number is not free for that', () => {
    const node = nodeWith({ staff: 10, video: 11, old: 13 }, [
      siteUser('ann', 1, ['staff']),
      siteUser('bob', 2, ['staff']),
      siteUser('cyd', 3, ['old']),
    ]);
    expect(follow(node, { staff: 20, video: 10 }, SYNC)).toEqual({
      said: '',
      problems: [
        'staff has gid 10, unlike groups.txt:1, but stays: it is the default group of ann and 1 more; delete or change such users first',
        'old is not in groups.txt, but stays: it is the default group of cyd; delete or change such users first',
        'video: the number 10 is that of staff there',
      ],
    });
  });

  it('takes the number that nobody shows for no group of his', () => {
    const node = nodeWith({ zero: 0 });
    expect(follow(node, { staff: 10 }, SYNC)).toEqual({ said: '+staff -zero', problems: [] });
  });

  it('is never refused, and wherever it breaks off another one does the rest', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.nat(30), (before, site, cut) => {
        const node = nodeWith({ home: 100, ...before }, [
          siteUser('ann', 1, ['home', ...Object.keys(before)]),
        ]);
        const wanted = { home: 100, ...site };
        const { steps } = planGroups(entriesOf(wanted), node.tables, SYNC);
        for (const { command } of steps.slice(0, cut)) node.run(command);
        expect(follow(node, wanted, SYNC).problems).toEqual([]);
        expect(Object.fromEntries(node.groups)).toEqual({ 'xcpu-admin': 65530, ...wanted });
        expect(planGroups(entriesOf(wanted), node.tables, SYNC).steps).toEqual([]);
      }),
    );
  });
});

const numbers: fc.Arbitrary<Groups> = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(6)), {
    comparator: ([name, number], [other, same]) => name === other || number === same,
  })
  .map((pairs) => Object.fromEntries(pairs));

function entriesOf(groups: Groups) {
  return Object.entries(groups).map(([name, number], index) => ({ name, number, line: index + 1 }));
}

function nodeWith(groups: Groups, users: Parameters<typeof planUsers>[0] = []) {
  const node = new ModelNode();
  for (const [group, gid] of Object.entries(groups)) node.run({ command: 'group-add', group, gid });
  for (const { command } of planUsers(users, node.tables, ADD).steps) node.run(command);
  return node;
}

function follow(node: ModelNode, site: Groups, options: typeof SYNC) {
  const { changes, steps, problems } = planGroups(entriesOf(site), node.tables, options);
  for (const { command } of steps) node.run(command);
  const said = changes.map(({ sign, name, details }) =>
    details ? `${sign}${name}(${details.join(',')})` : `${sign}${name}`,
  );
  return { said: said.join(' '), problems: problems.map(({ text }) => text) };
}
