import { describe, expect, it } from 'vitest';
import { type Behaviour, formatTap, runConformance, summary } from '../../src/conformance/index.js';
import { connectTo, memory } from './subjects.js';

const passes: Behaviour = { name: 'test: passes', run: async () => {} };
const fails: Behaviour = {
  name: 'test: fails',
  run: async (s) => {
    await s.walk('nothing');
  },
};
const hangs: Behaviour = { name: 'test: hangs', run: () => new Promise(() => {}) };
const needs: Behaviour = { ...passes, name: 'test: needs', needs: ['xattr', 'lock'] };
const elsewhere: Behaviour = { ...passes, name: 'test: elsewhere', dialects: ['9P2000'] };

const common = { dialect: '9P2000.L', capabilities: ['lock'], timeout: 50 } as const;

describe('a run', () => {
  it('tells what became of each behaviour, and why', async () => {
    const reported: string[] = [];
    const results = await runConformance({
      ...common,
      connect: memory(),
      behaviours: [passes, fails, hangs, needs, elsewhere],
      report: ({ name }) => reported.push(name),
    });
    expect(results.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['passed', undefined],
      ['failed', 'refused: no such file or directory'],
      ['failed', 'no answer for 50 ms'],
      ['skipped', 'needs xattr'],
      ['skipped', 'not in 9P2000.L'],
    ]);
    expect(results[1]?.trace?.at(-2)).toMatch(/^→ Twalk .*nothing/);
    expect(results[1]?.trace?.at(-1)).toMatch(/^← Rlerror/);
    expect(reported).toHaveLength(5);
    expect(summary(results)).toBe('1 passed, 2 failed, 2 skipped');
    const tap = formatTap(results).split('\n');
    expect(tap.slice(0, 3)).toEqual(['TAP version 13', '1..5', 'ok 1 - 9P2000.L test: passes']);
    expect(tap).toContain('not ok 2 - 9P2000.L test: fails');
    expect(tap).toContain('ok 4 - 9P2000.L test: needs # SKIP needs xattr');
  });

  it('leaves nothing behind', async () => {
    const connect = memory();
    const untidy: Behaviour = {
      name: 'test: untidy',
      run: async (s) => {
        await s.mkdir('d');
        await s.file('f', '', await s.walk('d'));
        await s.open(['d', 'f']);
      },
    };
    const empty: Behaviour = {
      name: 'test: empty',
      run: async (s) => {
        const fid = await s.open([], 0, s.root);
        const { data } = await s.call({ type: 40, fid, offset: 0, count: 4096 });
        // . and .. and the directory of this behaviour
        if (Buffer.from(data).toString('latin1').split('conformance-').length !== 2) {
          throw new Error('something was left');
        }
      },
    };
    const results = await runConformance({ ...common, connect, behaviours: [untidy, empty] });
    expect(results.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['passed', undefined],
      ['passed', undefined],
    ]);
  });

  it('fails where the server does not speak the dialect', async () => {
    const files = {
      attach: () => Promise.reject(new Error('never')),
      dialects: ['9P2000'],
    } as const;
    const connect = connectTo(files);
    const [result] = await runConformance({ ...common, connect, behaviours: [passes] });
    expect(result?.outcome).toBe('failed');
    expect(result?.reason).toContain('dialect agreed on');
  });
});
