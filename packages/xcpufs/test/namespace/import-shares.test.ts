import { expect, it } from 'vitest';
import { MAX_IMPORTS_PER_USER } from '../../src/limits.js';
import { MountError } from '../../src/mounts/mounter.js';
import { ImportShares } from '../../src/namespace/import-shares.js';
import { addUser, makeTable } from '../support.js';

it('leaves others room to mount, whatever one user imports', () => {
  const table = makeTable();
  const [ann, ben] = [addUser(table, 'ann', 41_001), addUser(table, 'ben', 41_002)];
  const shares = new ImportShares();
  const release = shares.take(ann, MAX_IMPORTS_PER_USER);
  expect(() => shares.take(ann, 1)).toThrow(MountError);
  shares.take(ben, MAX_IMPORTS_PER_USER);
  release();
  shares.take(ann, 1);
  expect(() => shares.take(ann, MAX_IMPORTS_PER_USER)).toThrow('ann has 1 imports');
});
