import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planUsers } from '../../src/site/plan-users.js';
import type { SiteUser } from '../../src/site/site-users.js';
import { ModelNode, siteUser } from './support.js';

const SYNC = { sync: true, self: 'xcpu-admin', file: 'users.txt' };
const ADD = { ...SYNC, sync: false };

describe('planUsers', () => {
  it('adds whom a node lacks, and has nothing to do the second time', () => {
    const node = nodeWith({ staff: 10, video: 11 });
    const site = [siteUser('ann', 1, ['staff', 'video']), siteUser('bob', 2, ['video'])];
    expect(follow(node, site, ADD)).toEqual({ said: '+ann +bob', problems: [] });
    expect(follow(node, site, ADD)).toEqual({ said: '', problems: [] });
    expect(follow(node, site, SYNC)).toEqual({ said: '', problems: [] });
    expect([...node.users.get('ann')!.groups]).toEqual(['staff', 'video']);
  });

  it('without --sync adds groups, reports what differs and leaves what is too much', () => {
    const node = nodeWith({ staff: 10, video: 11 }, [
      siteUser('ann', 1, ['staff', 'video']),
      siteUser('bob', 2, ['staff']),
      siteUser('cyd', 3, ['staff']),
      siteUser('dan', 4, ['staff']),
    ]);
    const site = [
      siteUser('ann', 1, ['staff']),
      siteUser('bob', 2, ['staff', 'video']),
      siteUser('cyd', 7, ['video'], 'other', 5),
    ];
    expect(follow(node, site, ADD)).toEqual({
      said: '~bob(+video)',
      problems: [
        'cyd has uid 3, group staff, another key, unlike users.txt:5; --sync changes that',
      ],
    });
    expect(node.users.has('dan')).toBe(true);
    expect([...node.users.get('ann')!.groups]).toEqual(['staff', 'video']);
  });

  it('with --sync changes what differs and removes what is too much', () => {
    const node = nodeWith({ staff: 10, video: 11 }, [
      siteUser('ann', 1, ['staff', 'video']),
      siteUser('bob', 2, ['staff']),
      siteUser('cyd', 3, ['staff', 'video']),
      siteUser('dan', 4, ['staff']),
    ]);
    const site = [
      siteUser('eve', 4, ['staff']),
      siteUser('ann', 1, ['staff']),
      siteUser('bob', 2, ['staff', 'video'], 'other'),
      siteUser('cyd', 7, ['video', 'staff']),
    ];
    expect(follow(node, site, SYNC)).toEqual({
      said: '+eve ~ann(-video) ~bob(key,+video) ~cyd(uid 3 to 7,group staff to video) -dan',
      problems: [],
    });
  });

  it('lets users exchange their numbers', () => {
    const node = nodeWith({ staff: 10 }, [
      siteUser('ann', 1, ['staff']),
      siteUser('bob', 2, ['staff']),
      siteUser('cyd', 3, ['staff']),
    ]);
    const site = [
      siteUser('ann', 2, ['staff']),
      siteUser('bob', 1, ['staff']),
      siteUser('cyd', 4, ['staff']),
    ];
    const { problems } = follow(node, site, SYNC);
    expect(problems).toEqual([]);
    expect([...node.users].map(([name, { uid }]) => [name, uid])).toEqual([
      ['xcpu-admin', 65530],
      ['cyd', 4],
      ['ann', 2],
      ['bob', 1],
    ]);
  });

  it('gives nobody the number of one who stays, nor of one who has to stay for that', () => {
    const node = nodeWith({ staff: 10 }, [
      siteUser('ann', 1, ['staff']),
      siteUser('bob', 2, ['staff']),
    ]);
    const site = [siteUser('ann', 9999, ['staff']), siteUser('bob', 1, ['staff'])];
    expect(follow(node, site, SYNC)).toEqual({
      said: '',
      problems: [
        'ann: the number 9999 is that of nobody there',
        'bob: the number 1 is that of ann there',
      ],
    });
    expect(node.users.get('ann')?.uid).toBe(1);
    const other = [siteUser('cyd', 2, ['staff'])];
    expect(follow(node, other, ADD).problems).toEqual(['cyd: the number 2 is that of bob there']);
  });

  it('never touches whoever is logged in', () => {
    const users = [siteUser('ann', 1, ['staff', 'xcpu-admin']), siteUser('bob', 2, ['staff'])];
    const options = { ...SYNC, self: 'ann' };
    const absent = nodeWith({ staff: 10 }, users);
    expect(follow(absent, [siteUser('bob', 2, ['staff'])], options)).toEqual({
      said: '',
      problems: ['ann is not in users.txt, but stays: you are logged in as this user'],
    });
    const other = nodeWith({ staff: 10 }, users);
    expect(follow(other, [siteUser('ann', 1, ['staff'])], options)).toEqual({
      said: '-bob',
      problems: ['ann differs from users.txt:1, but stays: you are logged in as this user'],
    });
    expect(follow(other, [siteUser('ann', 1, ['staff', 'xcpu-admin'])], options).problems).toEqual(
      [],
    );
  });

  it('does nothing where a group is missing, and says what adds it', () => {
    const node = nodeWith({ staff: 10 }, [siteUser('dan', 4, ['staff'])]);
    const site = [siteUser('ann', 1, ['staff', 'video']), siteUser('bob', 2, ['crew'], 'k', 2)];
    const plan = planUsers(site, node.tables, SYNC);
    expect(plan).toMatchObject({ changes: [], steps: [] });
    expect(plan.problems.map(({ text, way }) => `${text}: ${way?.('n[1-2]')}`)).toEqual([
      "nothing done, as there is no group video (users.txt:1): xgroupset 'n[1-2]' video GID",
      "nothing done, as there is no group crew (users.txt:2): xgroupset 'n[1-2]' crew GID",
    ]);
    expect(plan.problems[0]?.way?.('n1')).toBe('xgroupset n1 video GID');
  });

  it('says that it cannot compare keys, where there is one to compare', () => {
    const node = nodeWith({ staff: 10 }, [siteUser('ann', 1, ['staff'])]);
    const tables = { ...node.tables, keys: undefined };
    const site = [siteUser('ann', 1, ['staff'], 'other')];
    expect(planUsers(site, tables, SYNC)).toMatchObject({
      steps: [],
      note: 'keys not compared: this node does not show them',
    });
    expect(planUsers([siteUser('bob', 2, ['staff'])], tables, ADD).note).toBeUndefined();
  });

  it('is never refused, and wherever it breaks off another one does the rest', () => {
    fc.assert(
      fc.property(people, people, fc.nat(40), (before, site, cut) => {
        const node = nodeWith({ a: 1, b: 2, c: 3 }, before);
        const { steps } = planUsers(site, node.tables, SYNC);
        for (const { command } of steps.slice(0, cut)) node.run(command);
        expect(follow(node, site, SYNC).problems).toEqual([]);
        const wanted = site.map(({ name, number, group, groups, key }) => ({
          ...{ name, uid: number, group, key: key.comment },
          groups: [...new Set([group, ...groups])].sort(),
        }));
        const found = [...node.users].map(([name, { uid, group, groups }]) => ({
          ...{ name, uid, group, key: node.keys.get(name) },
          groups: [...groups].sort(),
        }));
        const byName = (one: { name: string }, two: { name: string }) =>
          one.name < two.name ? -1 : 1;
        expect(found.filter(({ name }) => name !== 'xcpu-admin').sort(byName)).toEqual(
          wanted.sort(byName),
        );
        expect(planUsers(site, node.tables, SYNC).steps).toEqual([]);
      }),
    );
  });
});

/** Some users with different names and numbers, close enough to each other to collide with those of another list. */
const people: fc.Arbitrary<SiteUser[]> = fc
  .uniqueArray(fc.constantFrom('ann', 'bob', 'cyd', 'dan', 'eve', 'fay'))
  .chain((names) =>
    fc.tuple(
      fc.uniqueArray(fc.nat(names.length + 1), {
        minLength: names.length,
        maxLength: names.length,
      }),
      fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), {
        minLength: names.length,
        maxLength: names.length,
      }),
      fc.array(fc.constantFrom('one', 'two'), {
        minLength: names.length,
        maxLength: names.length,
      }),
      fc.constant(names),
    ),
  )
  .map(([numbers, groups, keys, names]) =>
    names.map((name, index) => siteUser(name, numbers[index]!, groups[index]!, keys[index])),
  );

function nodeWith(groups: Readonly<Record<string, number>>, users: readonly SiteUser[] = []) {
  const node = new ModelNode();
  for (const [group, gid] of Object.entries(groups)) node.run({ command: 'group-add', group, gid });
  const { steps } = planUsers(users, node.tables, ADD);
  for (const { command } of steps) node.run(command);
  return node;
}

/** Does what is planned; answers what was said of it. */
function follow(node: ModelNode, site: readonly SiteUser[], options: typeof SYNC) {
  const { changes, steps, problems } = planUsers(site, node.tables, options);
  for (const { command } of steps) node.run(command);
  const said = changes.map(({ sign, name, details }) =>
    details ? `${sign}${name}(${details.join(',')})` : `${sign}${name}`,
  );
  return { said: said.join(' '), problems: problems.map(({ text }) => text) };
}
