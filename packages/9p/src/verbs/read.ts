import { bytesOf } from '../option-values.js';
import { writeBytes } from '../output.js';
import { at, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

export const read: Verb = {
  name: 'read',
  usage: ['ADDRESS PATH'],
  summary: 'Prints a file, or the part of it that the options say.',
  examples: [
    ['9p read n8 arch', 'what machine the node n8 is'],
    ['9p read -o 512 -c 16 fs:564 /disk.img | xxd', '16 bytes of a file'],
  ],
  dialects: WORDS_FIRST,
  define: (command) => {
    command
      .option('-o, --offset <BYTES>', 'begin there')
      .option('-c, --count <BYTES>', 'end after so many');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 1, most: 1, names: 'PATH' });
    const start = bytesOf('--offset', line.options.offset) ?? 0;
    const count = bytesOf('--count', line.options.count);
    return at(address, line, async ({ files }) => {
      const file = await files.open(paths[0]!);
      try {
        const end = count === undefined ? undefined : start + count;
        for await (const piece of file.chunks({ start, end })) await writeBytes(piece);
      } finally {
        await file.close();
      }
      return 0;
    });
  },
};
