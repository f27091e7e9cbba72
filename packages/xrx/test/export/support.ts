import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Dialect, NinePError, transportPair } from '@xcpu/9p-protocol';
import { type FileSystem, mount } from '@xcpu/9p-protocol/client';
import { Server } from '@xcpu/9p-protocol/server';
import { onTestFinished } from 'vitest';
import { type ExportOptions, exportFiles, type NodeOwner } from '../../src/export/exporter.js';

/** A directory that is gone after the test, with these files in it: contents by path, null for a directory. */
export function directory(files: Readonly<Record<string, string | null>> = {}): string {
  const top = mkdtempSync(join(tmpdir(), 'xrx-export-test-'));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  for (const [path, contents] of Object.entries(files)) {
    const at = join(top, path);
    mkdirSync(contents === null ? at : dirname(at), { recursive: true });
    if (contents !== null) writeFileSync(at, contents);
  }
  return top;
}

export const host = { uid: process.geteuid!(), gid: process.getegid!() };

export interface MountedOptions extends ExportOptions {
  readonly owner?: NodeOwner;
  readonly dialect?: Dialect;
  readonly nUname?: number;
}

/** Mounts what is exported, as a node does; with it comes a clock, in milliseconds, that the exporter goes by. */
export async function mounted({
  owner = { host, node: host },
  dialect = '9P2000.L',
  nUname = owner.node.uid,
  ...options
}: MountedOptions): Promise<{ files: FileSystem; clock: { now: number } }> {
  const clock = { now: 0 };
  const exporter = exportFiles({ now: () => clock.now, ...options });
  const [ours, theirs] = transportPair();
  new Server(exporter.forNode(owner)).accept(theirs);
  onTestFinished(() => exporter.close());
  const files = await mount(ours, { uname: 'me', nUname, version: dialect });
  onTestFinished(() => files.close());
  return { files, clock };
}

/** The system's name of the error that a promise rejects with; what it resolves to otherwise. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return NinePError.from(error).errno;
  }
}

/** The names in a directory, in order. */
export async function names(files: FileSystem, path: string): Promise<string[]> {
  return (await files.readdir(path)).map(({ name }) => name).sort();
}
