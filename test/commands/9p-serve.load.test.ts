import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dialect, dial } from '@xcpu/9p-protocol';
import { type Capability, formatTap, runConformance } from '@xcpu/9p-protocol/conformance';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { type RunningCommand, startCommand } from '../support/command.js';
import { lacksRoot } from '../support/needs.js';

const capabilities: readonly Capability[] = [
  'symlink',
  'link',
  'fifo',
  'lock',
  'at',
  'byte-names',
  'versions',
  'pipelining',
  'permissions',
];

/** Root is refused nothing: only what an ordinary user serves shows that permissions hold. */
describe.skipIf(lacksRoot())('what an ordinary user serves', () => {
  let folder = '';
  let command: RunningCommand;
  let address = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), '9p-serve-'));
    const { uid, gid } = ALICE;
    chownSync(folder, uid, gid);
    const args = ['serve', '--listen', '127.0.1.40:0', folder];
    command = startCommand('9p', args, { uid, gid, timeout: 60_000 });
    await command.printed(' /mnt\n');
    address = / listening address=(127\S+)/.exec(command.output.stderr)?.[1] ?? '';
  });
  afterAll(async () => {
    command.child.kill('SIGTERM');
    await command.result;
    rmSync(folder, { recursive: true });
  });

  test.each<Dialect>(['9P2000', '9P2000.u', '9P2000.L'])(
    'passes the conformance suite in %s, permissions included',
    async (dialect) => {
      const who = { uname: ALICE.name, nUname: ALICE.uid };
      const connect = () => dial(address);
      const results = await runConformance({ connect, dialect, capabilities, ...who });
      expect(formatTap(results.filter(({ outcome }) => outcome === 'failed'))).toBe(formatTap([]));
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});
