import { describe, expect, it } from 'vitest';
import { type Behaviour, behaviours, runConformance } from '../../src/conformance/index.js';
import type { Dialect } from '../../src/index.js';
import type { Defect } from './broken/defect.js';
import { defects } from './broken/index.js';
import { spoiled } from './broken/proxy.js';
import { attachments, memory } from './subjects.js';

const byName = new Map(behaviours.map((behaviour) => [behaviour.name, behaviour]));

describe('a server without a defect', () => {
  it('passes all behaviours that a defect is to break', async () => {
    const sound: Defect = { name: 'none', hooks: () => ({}), breaks: {} };
    const results = [];
    for (const behaviour of behaviours) results.push(await outcome(behaviour, sound));
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  }, 30_000);
});

describe('a server with a defect', () => {
  it.each(defects)('fails where $name', async (defect) => {
    const broken = brokenBy(defect).map((name) => byName.get(name));
    const results = [];
    for (const behaviour of broken) results.push(await outcome(behaviour!, defect));
    expect(results.filter(({ outcome }) => outcome !== 'failed')).toEqual([]);
  });

  it.each(defects)('is not broken altogether where $name', async (defect) => {
    const results = [];
    for (const name of harmless) results.push(await outcome(byName.get(name)!, defect));
    expect(results.some(({ outcome }) => outcome === 'passed')).toBe(true);
  });

  it('is there for every behaviour, and for none that does not exist', () => {
    const broken = new Set(defects.flatMap(brokenBy));
    expect([...byName.keys()].filter((name) => !broken.has(name))).toEqual([]);
    expect([...broken].filter((name) => !byName.has(name))).toEqual([]);
  });
});

/** Behaviours that have little in common: one of them is left by a defect that is no more than one. */
const harmless = [
  'walk: no names yield no qids',
  'tags: an error has the tag of its request',
  'statfs: no more is free than there is',
];

function brokenBy({ breaks }: Defect): string[] {
  return Object.entries(breaks).flatMap(([subject, names]) =>
    names.map((name) => `${subject}: ${name}`),
  );
}

/** Runs one behaviour against a server with that defect, in the richest dialect that has it. */
async function outcome(behaviour: Behaviour, defect: Defect) {
  const dialect: Dialect = behaviour.dialects?.at(-1) ?? '9P2000.L';
  const connect = memory();
  let connections = 0;
  const [result] = await runConformance({
    connect: async () => spoiled(await connect(), dialect, defect.hooks(++connections)),
    dialect,
    behaviours: [behaviour],
    timeout: 5000,
    ...attachments[behaviour.needs?.includes('permissions') ? 'glenda' : 'root']!,
  });
  return { name: behaviour.name, outcome: result!.outcome, reason: result!.reason };
}
