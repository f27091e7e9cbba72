import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Behaviour,
  type BehaviourResult,
  behaviours,
  type Capability,
  formatTap,
  runConformance,
} from '@xcpu/9p-protocol/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRoot } from '../support/needs.js';
import { differences } from './differences.js';
import { lacksDiod, startDiod } from './diod.js';

/** `pipelining` is not among them: its threads take requests about a fid in any order. */
const capabilities: readonly Capability[] = [
  'symlink',
  'link',
  'fifo',
  'device',
  'xattr',
  'lock',
  'byte-names',
  'nanoseconds',
  'versions',
  isRoot ? 'owner' : 'permissions',
];

const skipDiod = lacksDiod();

// What diod was asked when it crashed is asked once more.
describe.skipIf(skipDiod)('diod in the conformance suite', { retry: 2 }, () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), '9p-diod-'));
    chmodSync(directory, 0o777);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function run(tried: readonly Behaviour[], timeout: number): Promise<BehaviourResult[]> {
    const diod = await startDiod({ exports: [directory] });
    try {
      return await runConformance({
        connect: diod.dial,
        dialect: '9P2000.L',
        capabilities,
        behaviours: tried,
        aname: directory,
        timeout,
        uname: 'somebody',
        nUname: process.getuid?.() ?? 0,
      });
    } finally {
      await diod.stop();
    }
  }

  it('fails what is known to differ, for the reasons given, and nothing else', async () => {
    const hangs = new Set(differences.filter((one) => one.hangs).map((one) => one.behaviour));
    const results = await run(
      behaviours.filter(({ name }) => !hangs.has(name)),
      10_000,
    );
    for (const behaviour of behaviours.filter(({ name }) => hangs.has(name))) {
      results.push(...(await run([behaviour], 1_000)));
    }
    const known = new Set(differences.map((one) => one.behaviour));
    const unexpected = results.filter((one) => one.outcome === 'failed' && !known.has(one.name));
    expect(formatTap(unexpected)).toBe(formatTap([]));
    const failed = new Set(
      results.filter((one) => one.outcome === 'failed').map(({ name }) => name),
    );
    expect([...known].filter((name) => !failed.has(name))).toEqual([]);
    expect(results.filter((one) => one.outcome === 'passed').length).toBeGreaterThan(250);
  });
});
