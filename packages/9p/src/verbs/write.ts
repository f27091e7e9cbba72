import type { FileHandle } from '@xcpu/9p-protocol/client';
import { systemText } from '@xcpu/libxcpu';
import type { ServerFiles } from '@xcpu/libxcpu/files';
import { linesOf } from '../lines.js';
import { at, takeAddress } from '../place.js';
import { type Verb, WORDS_FIRST } from '../verb.js';

interface Options {
  readonly append?: boolean;
  readonly create?: boolean;
  readonly lines?: boolean;
}

export const write: Verb = {
  name: 'write',
  usage: ['ADDRESS PATH'],
  summary: `Writes standard input to a file that is there, in place of what is in it.`,
  examples: [
    ["echo 'kill 15 4711' | 9p write n8 ctl", 'a command for the node n8'],
    ['9p write -c fs:564 /notes < notes', 'a file that may be new'],
    ['9p write -l n8 /3/ctl < commands', 'each line by itself'],
  ],
  dialects: WORDS_FIRST,
  define: (command) => {
    command
      .option('-a, --append', 'write at the end of the file')
      .option('-c, --create', 'make the file if it is not there')
      .option('-l, --lines', 'write each line by itself: for files that take commands');
  },
  run: (line) => {
    const { address, paths } = takeAddress(line, { least: 1, most: 1, names: 'PATH' });
    return at(address, line, async (place) => {
      const file = await open(place, paths[0]!, line.options);
      try {
        if (line.options.lines) await writeLines(file);
        else await file.writeFrom(input());
      } catch (error) {
        await file.close().catch(() => {});
        throw error;
      }
      await file.close();
      return 0;
    });
  },
};

async function open({ files }: ServerFiles, path: string, options: Options): Promise<FileHandle> {
  // Opening to write makes a file where none is: that is for -c alone.
  if (!options.create) await files.stat(path);
  return files.open(path, options.append ? 'a' : 'w');
}

async function* input(): AsyncGenerator<Uint8Array> {
  try {
    yield* process.stdin;
  } catch (error) {
    throw new Error(`cannot read standard input: ${systemText(error)}`);
  }
}

/** One after the other: what a line does may be what the next one is about. */
async function writeLines(file: FileHandle): Promise<void> {
  let offset = 0;
  for await (const line of linesOf(input())) {
    await file.write(offset, line);
    offset += line.length;
  }
}
