import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SourceTree } from '../../src/ship/source-tree.js';

/** A symbolic link in a tree of these tests. */
export class Link {
  constructor(readonly target: string) {}
}

/** A tree with these files, which may all be run; it goes when the test ends. */
export function treeOf(
  files: Readonly<Record<string, string | Uint8Array | Link>> = {},
): SourceTree {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'xcpu-ship-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, contents] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (contents instanceof Link) symlinkSync(contents.target, path);
    else writeFileSync(path, contents);
    if (!(contents instanceof Link)) chmodSync(path, 0o755);
  }
  return new SourceTree(root);
}
