import { permissionsOf } from '../option-values.js';
import { at, onEach, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const chmod: Verb = {
  name: 'chmod',
  usage: ['ADDRESS MODE PATH...'],
  summary: 'Changes permissions; MODE is octal, set-user, set-group and sticky bits included.',
  examples: [['9p chmod -A admin_key n8 0400 clone', 'nobody but the administrator runs jobs']],
  dialects: WORDS_FIRST,
  run: (line) => {
    const { address, paths: rest } = takeAddress(line, { least: 2, names: 'MODE PATH...' });
    const [text, ...paths] = rest;
    const mode = permissionsOf('MODE', text);
    return at(address, line, (place) =>
      onEach(place, paths, (path) => place.files.chmod(path, mode)),
    );
  },
};
