import { permissionsOf } from '../option-values.js';
import { at, onEach, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const mkdir: Verb = {
  name: 'mkdir',
  usage: ['ADDRESS PATH...'],
  summary: 'Makes directories.',
  examples: [['9p mkdir -p fs:564 /a/b/c', 'a directory, and those on the way to it']],
  dialects: WORDS_FIRST,
  define: (command) => {
    command
      .option('-p, --parents', 'those on the way too, and none that is there')
      .option('--mode <MODE>', 'permissions, in octal (755)');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 1, names: 'PATH...' });
    const recursive = line.options.parents === true;
    const mode = permissionsOf('--mode', line.options.mode ?? '755');
    return at(address, line, (place) =>
      onEach(place, paths, (path) => place.files.mkdir(path, { recursive, mode })),
    );
  },
};
