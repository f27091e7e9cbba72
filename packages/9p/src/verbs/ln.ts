import { at, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const ln: Verb = {
  name: 'ln',
  usage: ['ADDRESS EXISTING PATH', '-s ADDRESS TARGET PATH'],
  summary: 'Gives a file one more name, or makes a symbolic link at PATH. 9P2000 has neither.',
  examples: [['9p ln -s fs:564 v2 /current', 'a symbolic link that leads to v2']],
  dialects: WORDS_FIRST,
  define: (command) => {
    command.option('-s, --symbolic', 'a symbolic link');
  },
  run: (line) => {
    const symbolic = line.options.symbolic === true;
    const names = symbolic ? 'TARGET PATH' : 'EXISTING PATH';
    const { address, paths } = takeAddress(line, { least: 2, most: 2, names });
    const [to, path] = paths as [string, string];
    return at(address, line, async ({ files }) => {
      if (symbolic) await files.symlink(to, path);
      else await files.link(to, path);
      return 0;
    });
  },
};
