import { at, onEach, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const rm: Verb = {
  name: 'rm',
  usage: ['ADDRESS PATH...'],
  summary: 'Removes files and empty directories. Symbolic links are removed, never followed.',
  examples: [
    ['9p rm fs:564 /notes', 'a file'],
    ['9p rm -rf fs:564 /old', 'a directory with all that is in it, if it is there'],
  ],
  dialects: WORDS_FIRST,
  define: (command) => {
    command
      .option('-r, --recursive', 'directories with all that is in them')
      .option('-f, --force', 'it is no error if there is nothing to remove');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 1, names: 'PATH...' });
    const recursive = line.options.recursive === true;
    const force = line.options.force === true;
    return at(address, line, (place) =>
      onEach(place, paths, (path) => place.files.rm(path, { recursive, force })),
    );
  },
};
