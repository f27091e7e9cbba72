import { permissionsOf } from '../option-values.js';
import { at, onEach, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const create: Verb = {
  name: 'create',
  usage: ['ADDRESS PATH...'],
  summary: 'Makes empty files. It is an error if there is one of that name.',
  examples: [['9p create --mode 600 fs:564 /lock', 'a file that only its owner may use']],
  dialects: WORDS_FIRST,
  define: (command) => {
    command.option('--mode <MODE>', 'permissions, in octal (644)');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 1, names: 'PATH...' });
    const mode = permissionsOf('--mode', line.options.mode ?? '644');
    return at(address, line, (place) =>
      onEach(place, paths, async (path) => {
        const file = await place.files.open(path, 'wx', { mode });
        await file.close();
      }),
    );
  },
};
