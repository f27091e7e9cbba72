import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import { removeTree } from '../../src/pushed/remove-tree.js';
import { temporaryDirectory } from '../support.js';

describe('removing what a user could write to', () => {
  it('removes files and directories of any depth', async () => {
    const { tree, trash } = setUp();
    let deep = tree;
    for (let depth = 0; depth < 400; depth++) deep = join(deep, 'd');
    mkdirSync(deep, { recursive: true });
    for (let file = 0; file < 200; file++) writeFileSync(join(tree, `f${file}`), '');
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0x0a])]), '');
    await removeTree(tree, trash);
    expect(existsSync(tree)).toBe(false);
    expect(readdirSync(trash)).toEqual([]);
  });

  it('follows no link', async () => {
    const { parent, tree, trash } = setUp();
    const outside = join(parent, 'outside');
    mkdirSync(join(outside, 'kept'), { recursive: true });
    writeFileSync(join(outside, 'precious'), '');
    chmodSync(outside, 0o750);
    symlinkSync(outside, join(tree, 'directory'));
    symlinkSync(join(outside, 'precious'), join(tree, 'file'));
    symlinkSync('/nonexistent', join(tree, 'nowhere'));
    await removeTree(tree, trash);
    expect(existsSync(tree)).toBe(false);
    expect(readdirSync(outside).sort()).toEqual(['kept', 'precious']);
  });

  it('removes a mere link that stands in the place of the directory', async () => {
    const { parent, trash } = setUp();
    const outside = join(parent, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), '');
    symlinkSync(outside, join(parent, 'link'));
    await removeTree(join(parent, 'link'), trash);
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(readdirSync(trash)).toEqual([]);
  });

  it('does nothing where there is nothing', async () => {
    const { parent, trash } = setUp();
    await removeTree(join(parent, 'missing'), trash);
    expect(readdirSync(trash)).toEqual([]);
  });

  it('gets along with a user who goes on making files', async () => {
    const { tree, trash } = setUp();
    for (let file = 0; file < 500; file++) writeFileSync(join(tree, `f${file}`), '');
    let made = 0;
    const making = setInterval(() => {
      for (const moved of readdirSync(trash))
        writeFileSync(join(trash, moved, `more${made++}`), '');
    });
    const stopped = new Promise<void>((resolve) =>
      setTimeout(() => resolve(clearInterval(making)), 5),
    );
    await Promise.all([removeTree(tree, trash), stopped]);
    await Promise.all(readdirSync(trash).map((name) => removeTree(join(trash, name), trash)));
    expect(existsSync(tree)).toBe(false);
    expect(readdirSync(trash)).toEqual([]);
  });

  it.skipIf(lacksRoot())(
    'needs no right that the user took from himself, when the daemon is he',
    async () => {
      const { parent, tree, trash } = setUp();
      mkdirSync(join(tree, 'none', 'inside'), { recursive: true });
      mkdirSync(join(tree, 'read only', 'inside'), { recursive: true });
      for (const path of [
        '',
        'tree',
        'trash',
        'tree/none',
        'tree/none/inside',
        'tree/read only',
        'tree/read only/inside',
      ]) {
        chownSync(join(parent, path), 41_001, 41_001);
      }
      chmodSync(join(tree, 'none'), 0);
      chmodSync(join(tree, 'read only'), 0o500);
      chmodSync(tree, 0o500);
      await removeAs(41_001, parent);
      expect(existsSync(tree)).toBe(false);
      expect(readdirSync(trash)).toEqual([]);
    },
  );
});

/** Removes `tree` as a daemon would that is that user. */
async function removeAs(uid: number, parent: string): Promise<void> {
  const outfile = join(parent, 'remove.mjs');
  const source = fileURLToPath(new URL('../../src/pushed/remove-tree.ts', import.meta.url));
  const target = { bundle: true, platform: 'node', format: 'esm', target: 'node20' } as const;
  await build({ entryPoints: [source], outfile, conditions: ['@xcpu/source'], ...target });
  chmodSync(parent, 0o755);
  const script = `import('${outfile}').then((m) => m.removeTree('${parent}/tree', '${parent}/trash'))`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { uid, gid: uid });
  expect([status, stderr.toString()]).toEqual([0, '']);
}

function setUp() {
  const parent = temporaryDirectory();
  const [tree, trash] = [join(parent, 'tree'), join(parent, 'trash')];
  mkdirSync(tree);
  mkdirSync(trash);
  return { parent, tree, trash };
}
