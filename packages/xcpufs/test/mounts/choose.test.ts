import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { StartError } from '../../src/errors.js';
import { chooseMounter, type MountWay } from '../../src/mounts/choose.js';
import { MountError } from '../../src/mounts/mounter.js';
import { RefusingMounter } from '../../src/mounts/refusing-mounter.js';
import { temporaryDirectory } from '../support.js';
import { lacksFuse } from './support.js';

function choose(way: MountWay, root = true) {
  return chooseMounter({ way, root, directory: temporaryDirectory(), log: () => {} });
}

/** After an attempt to mount has loaded what there is to be loaded. */
function kernelKnowsNine(): boolean {
  return /\t9p$/m.test(execFileSync('cat', ['/proc/filesystems'], { encoding: 'utf8' }));
}

describe.skipIf(lacksFuse())('chooseMounter', () => {
  test('takes the kernel’s client where there is one, else FUSE', async () => {
    const mounter = await choose('auto');
    expect(mounter.kind).toBe(kernelKnowsNine() ? 'kernel' : 'fuse');
    expect(await mounter.userNamespace()).toBeUndefined();
  });

  test('takes FUSE for who is not root', async () => {
    expect((await choose('auto', false)).kind).toBe('fuse');
    await expect(choose('kernel', false)).rejects.toThrow(/--mount kernel: .*only root/);
  });

  test('refuses a way that is asked for and closed', async () => {
    const attempt = choose('kernel');
    if (kernelKnowsNine()) expect((await attempt).kind).toBe('kernel');
    else await expect(attempt).rejects.toThrow(StartError);
  });
});

test('a node that cannot mount says so to whoever wants it', async () => {
  const mounter = new RefusingMounter(new MountError('cannot: xrx -l'));
  await expect(mounter.mount()).rejects.toThrow('cannot: xrx -l');
  await expect(mounter.userNamespace()).rejects.toThrow(MountError);
  await mounter.close();
});
