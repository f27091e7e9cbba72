import { writeBytes } from '../output.js';
import { at, onEach, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const cat: Verb = {
  name: 'cat',
  usage: ['ADDRESS PATH...'],
  summary: `Prints files one after the other, as they come: one that waits for events is followed until it ends.`,
  examples: [
    ['9p cat n8 state', "a scheduler's word on the node n8"],
    ['9p cat n8 /3/stdout', 'what the program of session 3 prints'],
    ['9p cat /run/files /a /b | wc', 'two files of a server on this machine'],
  ],
  dialects: WORDS_FIRST,
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 1, names: 'PATH...' });
    return at(address, line, (place) =>
      onEach(place, paths, async (path) => {
        const file = await place.files.open(path);
        try {
          for await (const piece of file) await writeBytes(piece);
        } finally {
          await file.close();
        }
      }),
    );
  },
};
