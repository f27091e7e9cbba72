import { type Dirent, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type DirectoryOptions, serveDirectory } from '../../src/fs/index.js';
import type { LocalFile } from '../../src/fs/local-file.js';
import { type Dialect, ModeBit, NinePError, OpenMode } from '../../src/index.js';
import type { Awaitable, CreatedFile, NewFile, OpenFile, Request } from '../../src/server/index.js';

/** An empty directory that is gone after the test. */
export function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), '9p-fs-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A server of a new directory `export` inside a new one, and its root. */
export function exported(options: DirectoryOptions = {}, path = temporary()) {
  const server = serveDirectory(path, options);
  onTestFinished(() => server.close());
  const login = { uname: 'me', aname: '', nUname: undefined };
  const entered = server.attach(login, undefined, request() as never);
  if (entered instanceof Promise) throw new Error('attach waits');
  return { server, path, root: entered.root as LocalFile };
}

/** Who asks, as far as files look at it. */
export function request(dialect: Dialect = '9P2000.L'): Request<string> {
  return { connection: { dialect }, user: 'me' } as Request<string>;
}

/** The file at the end of names, as a fid would hold it. */
export function walk(from: LocalFile, ...names: string[]): LocalFile {
  let file = from;
  for (const name of names) {
    const next = file.walk(name);
    if (!next) throw new NinePError(`no ${name}`, 2);
    file = next;
  }
  file.acquire();
  return file;
}

/** Makes directories and walks to them until small caches hold no other descriptors. */
export function pushOut(root: LocalFile, path: string, prefix = 'spare'): void {
  for (let index = 0; index < 8; index++) {
    mkdirSync(join(path, `${prefix}-${index}`));
    walk(root, `${prefix}-${index}`);
  }
}

export function newFile(name: string, changes: Partial<NewFile> = {}): NewFile {
  return {
    name,
    perm: 0o644,
    mode: OpenMode.READ_WRITE,
    extension: '',
    exclusive: true,
    gid: undefined,
    ...changes,
  };
}

/** What was made at once, as all but pipes and sockets are. */
export function atOnce(created: Awaitable<CreatedFile<string>>): CreatedFile<string> {
  if (created instanceof Promise) throw new Error('create waits');
  return created;
}

export function newDirectory(name: string, perm = 0o755): NewFile {
  return newFile(name, { perm: (ModeBit.DIR | perm) >>> 0, mode: OpenMode.READ });
}

export function text(open: OpenFile<string>, offset = 0, count = 100): string {
  const buffer = Buffer.alloc(count);
  const length = open.readInto!(offset, buffer, request()) as number;
  return buffer.toString('utf8', 0, length);
}

/** The Linux number of the error that `run` fails with, 0 if it does not. */
export function errnoOf(run: () => unknown): number {
  try {
    run();
    return 0;
  } catch (error) {
    return NinePError.from(error).errno;
  }
}

/** Descriptors that the process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** All that is below a directory, by path. Newer Node's own recursive readdir goes through links. */
export function everythingIn(directory: string): Dirent[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry, ...everythingIn(join(directory, entry.name))] : [entry],
  );
}
