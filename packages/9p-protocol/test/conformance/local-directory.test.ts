import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Capability, formatTap, runConformance } from '../../src/conformance/index.js';
import { serveDirectory } from '../../src/fs/index.js';
import { connectTo, dialects } from './subjects.js';

/** What is served as root is not refused to root; what is served as another user he cannot give away. */
const capabilities: readonly Capability[] = [
  'symlink',
  'link',
  'fifo',
  'lock',
  'at',
  'byte-names',
  'versions',
  'pipelining',
  process.getuid?.() === 0 ? 'owner' : 'permissions',
];

describe('the conformance suite', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), '9p-conformance-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  for (const dialect of dialects) {
    it(`is passed in ${dialect} by a local directory`, async () => {
      const who = { uname: 'somebody', nUname: process.getuid?.() ?? 0 };
      const connect = connectTo(serveDirectory(directory, { specials: true }));
      const results = await runConformance({ connect, dialect, capabilities, ...who });
      expect(formatTap(results.filter(({ outcome }) => outcome === 'failed'))).toBe(formatTap([]));
      // The rest is for servers that can do more, and what root is not refused; see 9p-serve.load.test.ts.
      const passed = results.filter(({ outcome }) => outcome === 'passed').length;
      expect(passed).toBeGreaterThanOrEqual(
        { '9P2000': 230, '9P2000.u': 250, '9P2000.L': 320 }[dialect],
      );
      expect(readdirSync(directory)).toEqual([]);
    }, 30_000);
  }
});
