import { decodeDirents } from '../../codec/dirent.js';
import { decodeStats } from '../../codec/stat.js';
import { MessageType, ModeBit } from '../../constants.js';
import { DirentType } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux, plan9 } from '../behaviour.js';
import { expect, refused, same } from '../expect.js';
import { makeSymlink } from '../links.js';
import { namesIn, readPart, readRest } from '../listing.js';
import type { Subject } from '../subject.js';

const { EBADF, EINVAL, ENOTDIR } = Errno;
const M = MessageType;

export const readdir: readonly Behaviour[] = about('readdir', [
  {
    name: 'an empty directory has no names',
    run: async (s) => same(await namesIn(s), [], 'names'),
  },
  {
    name: 'each name is told once',
    run: async (s) => {
      await fill(s, 3);
      await s.mkdir('d');
      same(await namesIn(s), ['d', 'f0', 'f1', 'f2'], 'names');
    },
  },
  {
    name: 'what is in a directory below is not told',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', '', await s.walk('d'));
      same(await namesIn(s), ['d'], 'names');
    },
  },
  {
    name: 'small reads tell what large ones do',
    run: async (s) => {
      await fill(s, 20);
      const fid = await s.open();
      same((await readRest(s, fid, 0, 200)).length, 20, 'entries read with a count of 200');
    },
  },
  {
    name: 'no more bytes come than were asked for',
    run: async (s) => {
      await fill(s, 20);
      const { length } = await readPart(s, await s.open(), 0, 300);
      expect(length > 0 && length <= 300, `${length} bytes for a count of 300`);
    },
  },
  {
    name: 'offset 0 begins anew',
    run: async (s) => {
      await fill(s, 20);
      const fid = await s.open();
      await readPart(s, fid, 0, 300);
      same((await readRest(s, fid)).length, 20, 'entries');
    },
  },
  {
    name: 'the end is the end however often it is asked for',
    run: async (s) => {
      await fill(s, 2);
      const fid = await s.open();
      const { next } = await readPart(s, fid, 0, 4096);
      for (let turn = 0; turn < 3; turn++) {
        same((await readPart(s, fid, next, 4096)).length, 0, 'bytes at the end');
      }
    },
  },
  {
    name: 'a new file is told when the directory is read anew',
    run: async (s) => {
      const fid = await s.open();
      await readRest(s, fid);
      await s.file('f');
      same(
        (await readRest(s, fid)).map(({ name }) => name),
        ['f'],
        'names',
      );
    },
  },
  {
    name: 'a file that is gone is not told when the directory is read anew',
    run: async (s) => {
      await fill(s, 2);
      const fid = await s.open();
      await readRest(s, fid);
      await s.remove('f0');
      same(
        (await readRest(s, fid)).map(({ name }) => name),
        ['f1'],
        'names',
      );
    },
  },
  {
    name: 'two fids read a directory each in its own time',
    run: async (s) => {
      await fill(s, 10);
      const [one, two] = [await s.open(), await s.open()];
      const { entries, next } = await readPart(s, one, 0, 300);
      same((await readRest(s, two)).length, 10, 'entries of the second');
      const first = entries.filter(({ name }) => name.startsWith('f')).length;
      same(first + (await readRest(s, one, next)).length, 10, 'entries of the first');
    },
  },
  {
    name: 'a thousand names are told once each',
    run: async (s) => {
      await fill(s, 1000);
      const names = await namesIn(s);
      same(names.length, 1000, 'names');
      same(new Set(names).size, 1000, 'different names');
    },
  },
  {
    name: 'removing what was read leaves out nothing else',
    run: async (s) => {
      await fill(s, 40);
      const fid = await s.open();
      const { entries, next } = await readPart(s, fid, 0, 1024);
      const read = entries.map(({ name }) => name).filter((name) => name.startsWith('f'));
      for (const name of read) await s.remove(name);
      const rest = (await readRest(s, fid, next)).map(({ name }) => name);
      same(new Set([...read, ...rest]).size, 40, 'different names');
      same(read.length + rest.length, 40, 'names');
    },
  },
  {
    name: 'qids are those of a walk',
    run: async (s) => {
      await s.file('f');
      await s.mkdir('d');
      for (const { name, qid } of await readRest(s, await s.open())) {
        same(qid, await s.qid(name), `qid of ${name}`);
      }
    },
  },
  {
    name: 'entries are what Tstat tells',
    dialects: plan9,
    run: async (s) => {
      await s.file('f', 'text');
      const [entry] = decodeStats(await s.read(await s.open()), s.dialect);
      same(entry, (await s.call({ type: M.Tstat, fid: await s.walk('f') })).stat, 'stat');
    },
  },
  {
    name: 'an offset where no read ended is refused',
    dialects: plan9,
    run: async (s) => {
      await fill(s, 2);
      await refused(s.read(await s.open(), 7), 'a directory read from offset 7');
    },
  },
  {
    name: 'an entry whose offset is named is gone on behind',
    dialects: linux,
    run: async (s) => {
      await fill(s, 10);
      const fid = await s.open();
      const all = await treaddir(s, fid, 0);
      for (const index of [7, 0, 4]) {
        const rest = await treaddir(s, fid, all[index]!.offset);
        same(rest[0]?.name, all[index + 1]!.name, `name behind entry ${index}`);
      }
    },
  },
  {
    name: '. and .. are told, with their qids',
    dialects: linux,
    run: async (s) => {
      await s.mkdir('d');
      const entries = await treaddir(s, await s.open('d'), 0);
      const [self, parent] = ['.', '..'].map((name) => entries.find((one) => one.name === name));
      same(self?.qid.path, (await s.qid('d')).path, 'qid.path of .');
      same(parent?.qid.path, (await s.info(s.dir)).qid.path, 'qid.path of ..');
    },
  },
  {
    name: 'entries tell what kind of file they are',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await s.mkdir('d');
      const entries = await treaddir(s, await s.open(), 0);
      const kind = (wanted: string) => entries.find(({ name }) => name === wanted)?.type;
      const known = [DirentType.UNKNOWN, DirentType.REGULAR, DirentType.DIRECTORY] as number[];
      const [file, directory] = [kind('f') ?? -1, kind('d') ?? -1];
      expect(known.includes(file) && file !== DirentType.DIRECTORY, `kind ${file} of a file`);
      expect(known.includes(directory) && directory !== DirentType.REGULAR, `kind ${directory}`);
    },
  },
  {
    name: 'entries tell which are symbolic links',
    dialects: linux,
    needs: ['symlink'],
    run: async (s) => {
      await makeSymlink(s, 'link', 'nowhere');
      const entries = await treaddir(s, await s.open(), 0);
      const kind = entries.find(({ name }) => name === 'link')?.type;
      expect(kind === DirentType.SYMLINK || kind === DirentType.UNKNOWN, `kind ${kind} of a link`);
    },
  },
  {
    name: 'a count too small for an entry loses none',
    run: async (s) => {
      await s.file('f');
      const fid = await s.open();
      await readPart(s, fid, 0, 12).catch(() => undefined);
      same((await readRest(s, fid)).length, 1, 'entries read afterwards');
    },
  },
  {
    name: 'a file is none',
    dialects: linux,
    run: async (s) => {
      await s.file('f');
      await refused(treaddir(s, await s.open('f'), 0), 'Treaddir of a file', ENOTDIR);
    },
  },
  {
    name: 'a directory that is not open is refused',
    run: async (s) => {
      await refused(readPart(s, await s.walk(), 0, 4096), 'reading a directory', EBADF, EINVAL);
    },
  },
  {
    name: 'a directory has the mode of one in its entry',
    dialects: plan9,
    run: async (s) => {
      await s.mkdir('d');
      const [entry] = decodeStats(await s.read(await s.open()), s.dialect);
      expect(((entry?.mode ?? 0) & ModeBit.DIR) !== 0, 'bit DIR of mode is missing');
    },
  },
]);

async function fill(s: Subject, count: number): Promise<void> {
  const make = async (index: number) => {
    const fid = await s.create(`f${index}`);
    await s.clunk(fid);
  };
  await Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}

async function treaddir(s: Subject, fid: number, offset: number | bigint) {
  const { data } = await s.call({ type: M.Treaddir, fid, offset, count: 4096 });
  return decodeDirents(data);
}
