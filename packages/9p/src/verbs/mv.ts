import type { FileSystem } from '@xcpu/9p-protocol/client';
import { RICHEST } from '@xcpu/libxcpu/files';
import { below, lastName } from '../names.js';
import { at, takeAddress } from '../place.js';
import type { Verb } from '../verb.js';

export const mv: Verb = {
  name: 'mv',
  usage: ['ADDRESS FROM TO'],
  summary: `Renames a file, or moves it into the directory TO. Servers of 9P2000 and 9P2000.u only rename within a
directory.`,
  examples: [['9p mv fs:564 /draft /paper', 'a new name']],
  dialects: RICHEST,
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 2, most: 2, names: 'FROM TO' });
    const [from, to] = paths as [string, string];
    return at(address, line, async ({ files }) => {
      const inside = await isDirectory(files, to);
      await files.rename(from, inside ? below(to, lastName(from)) : to);
      return 0;
    });
  },
};

async function isDirectory(files: FileSystem, path: string): Promise<boolean> {
  return (await files.exists(path)) && (await files.stat(path)).kind === 'directory';
}
