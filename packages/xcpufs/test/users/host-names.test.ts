import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HostNames } from '../../src/users/host-names.js';
import { makeTable, temporaryDirectory } from '../support.js';

describe('names for programs', () => {
  it('are not laid over those of the host in its own mount namespace', async () => {
    process.env.XCPUFS_OWN_MOUNTS = 'yes';
    const made = HostNames.create(join(temporaryDirectory(), 'names'), makeTable(), '/bin/false');
    await expect(made).rejects.toThrow('the mounts of the daemon are those of its host');
    expect(process.env.XCPUFS_OWN_MOUNTS).toBeUndefined();
  });

  it('are left alone where nobody asked for them', async () => {
    const made = HostNames.create(join(temporaryDirectory(), 'names'), makeTable(), '/bin/false');
    expect(await made).toBeUndefined();
  });

  it('leave the files of the host as they are', () => {
    expect(spawnSync('cat', ['/proc/self/mountinfo'], { encoding: 'utf8' }).stdout).not.toMatch(
      / \/etc\/(passwd|group) /,
    );
  });
});
