import { expect, it } from 'vitest';
import { SetupError } from '../../src/errors.js';
import { run } from '../../src/job/run.js';
import { ship } from '../../src/ship/ship.js';
import { alice, fakeNode } from '../support.js';
import { elfFile } from './elf-builder.js';
import { treeOf } from './trees.js';

const ENV = { PATH: '/bin' };

async function failure(legacy: boolean, shipped: Parameters<typeof ship>[0]): Promise<string> {
  const node = await fakeNode({ legacy });
  const job = await run([node.target], ['prog'], { login: alice, ship: ship(shipped), sink() {} });
  const [{ error } = {}] = await job.result;
  return error?.message ?? '';
}

it('says what is missing before it is called, as far as most nodes go', () => {
  const { root } = treeOf();
  expect(() => ship({ program: 'prog', root, env: ENV })).toThrow(SetupError);
  expect(() => ship({ program: 'prog', root: `${root}/none`, env: ENV })).toThrow(/none: no such/);
});

it('leaves it to the nodes what is missing for their kind', async () => {
  const { root } = treeOf({ 'Linux/x86_64/bin/other': elfFile(), 'Linux/arm/bin/prog': elfFile() });
  const shipped = { program: 'prog', env: { ...ENV, XCPU_SYSROOT: root } };
  expect(await failure(false, shipped)).toMatch(
    /^n1: prog: not found on the PATH in .*Linux\/x86_64$/,
  );
});

it('refuses a legacy node, which would not find it', async () => {
  const { root } = treeOf({ 'bin/prog': elfFile() });
  expect(await failure(true, { program: 'prog', root, env: ENV })).toMatch(/^n1: a legacy node, /);
});
