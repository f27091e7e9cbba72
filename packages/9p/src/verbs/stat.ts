import { isatty } from 'node:tty';
import { RICHEST } from '@xcpu/libxcpu/files';
import { escaped } from '../names.js';
import { writeText } from '../output.js';
import { at, onEach, takeAddress } from '../place.js';
import { formatStat } from '../stat-text.js';
import type { Verb } from '../verb.js';

export const stat: Verb = {
  name: 'stat',
  usage: ['ADDRESS [PATH...]'],
  summary: `Prints all that the server tells of files, of symbolic links themselves. What that is depends on the
dialect: owners have names in 9P2000 and 9P2000.u, numbers in 9P2000.u and 9P2000.L.`,
  examples: [
    ['9p stat n8 clone', 'who may run programs on the node n8'],
    ['9p stat --dialect 9P2000.u n8 clone', "the same, owners' names too"],
  ],
  dialects: RICHEST,
  define: (command) => {
    command.option('-L, --dereference', 'follow symbolic links');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 0, names: '[PATH...]' });
    const follow = line.options.dereference === true;
    const visible = (name: string) => (isatty(1) ? escaped(name) : name);
    return at(address, line, ({ name, files }) =>
      onEach({ name, files }, paths.length > 0 ? paths : ['/'], async (path) => {
        const its = await files.stat(path, { follow });
        const target = its.kind === 'symlink' ? await files.readlink(path) : undefined;
        const shown = target === undefined ? undefined : visible(target);
        await writeText(formatStat(visible(path), its, shown));
      }),
    );
  },
};
