/**
 * usage: program.mjs OPTIONS STEPS
 *
 * Exports a directory to a node on which the user has the numbers 500, takes the steps there, and prints what came of
 * each, or the name of the error. All in JSON.
 */
import { Errno, NinePError, transportPair } from '@xcpu/9p-protocol';
import { type FileSystem, mount } from '@xcpu/9p-protocol/client';
import { Server } from '@xcpu/9p-protocol/server';
import { exportFiles } from '../../src/export/exporter.js';

const [, , options = '{}', steps = '[]'] = process.argv;
const NODE = { uid: 500, gid: 500 };

const take: Readonly<
  Record<string, (files: FileSystem, path: string, more: string) => Promise<unknown>>
> = {
  read: (files, path) => files.readFile(path, 'utf8'),
  write: (files, path, text) => files.writeFile(path, text),
  list: async (files, path) => (await files.readdir(path)).map(({ name }) => name).sort(),
  uid: async (files, path) => (await files.stat(path)).uid,
  mkdir: (files, path) => files.mkdir(path),
  rename: (files, path, to) => files.rename(path, to),
  chown: (files, path, uid) => files.chown(path, Number(uid), Number(uid)),
};

const exporter = exportFiles(JSON.parse(options));
const [ours, theirs] = transportPair();
const host = { uid: process.geteuid!(), gid: process.getegid!() };
new Server(exporter.forNode({ host, node: NODE })).accept(theirs);
const files = await mount(ours, { uname: 'me', nUname: NODE.uid });
const results: unknown[] = [];
for (const [verb = '', path = '', more = ''] of JSON.parse(steps) as string[][]) {
  results.push(await result(() => take[verb]!(files, path, more)));
}
process.stdout.write(JSON.stringify(results));
files.close();
exporter.close();

async function result(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await act()) ?? '';
  } catch (error) {
    const { errno } = NinePError.from(error);
    return Object.entries(Errno).find(([, number]) => number === errno)?.[0] ?? errno;
  }
}
