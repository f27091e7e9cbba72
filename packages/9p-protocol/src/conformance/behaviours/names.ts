import { bytesToName } from '../../codec/strings.js';
import { MessageType } from '../../constants.js';
import { dontTouch } from '../../dont-touch.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux, plan9, unix } from '../behaviour.js';
import { expect, refused, same } from '../expect.js';
import { makeLink, makeSymlink } from '../links.js';
import { namesIn } from '../listing.js';
import type { Subject } from '../subject.js';

const { EEXIST, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, EBUSY, ENOTEMPTY } = Errno;
const M = MessageType;
/** What a server may say of a name that no file has. */
const bad = [EINVAL, EEXIST, EISDIR, ENOENT, EBUSY, ENOTEMPTY] as const;

export const names: readonly Behaviour[] = about('names', [
  ...['a/b', '/', '..', '.', '', 'a\0b'].map(
    (name): Behaviour => ({
      name: `${JSON.stringify(name)} is refused by create`,
      run: async (s) => {
        await refused(s.create(name), `create of ${JSON.stringify(name)}`, ...bad);
        same(await namesIn(s), [], 'names');
      },
    }),
  ),
  ...['a/b', '..', '.', ''].map(
    (name): Behaviour => ({
      name: `${JSON.stringify(name)} is refused by mkdir`,
      run: async (s) => {
        await refused(s.mkdir(name), `mkdir of ${JSON.stringify(name)}`, ...bad);
        same(await namesIn(s), [], 'names');
      },
    }),
  ),
  {
    name: 'a name with a slash is not walked to',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', '', await s.walk('d'));
      expect(!(await s.exists('d/f')), 'a walk goes along a slash');
    },
  },
  {
    name: 'a name with .. in it does not lead out',
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk('d');
      expect(!(await s.exists('../d', fid)), 'a walk goes along ../d');
    },
  },
  {
    name: 'a new name with a slash is refused by wstat',
    dialects: plan9,
    run: async (s) => {
      await s.file('f');
      const stat = { ...dontTouch, name: '../f' };
      const fid = await s.walk('f');
      await refused(s.call({ type: M.Twstat, fid, stat }), 'the name ../f', ...bad);
      expect(await s.exists('f'), 'the file is gone');
    },
  },
  {
    name: 'a new name with a slash is refused by renameat',
    dialects: linux,
    needs: ['at'],
    run: async (s) => {
      await s.file('f');
      await refused(renameat(s, 'f', '../f'), 'the name ../f', ...bad);
      await refused(renameat(s, '../f', 'f'), 'the old name ../f', ...bad);
      expect(await s.exists('f'), 'the file is gone');
    },
  },
  {
    name: 'a name with a slash is refused by unlinkat',
    dialects: linux,
    needs: ['at'],
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', '', await s.walk('d'));
      const request = { type: M.Tunlinkat, dirfid: s.dir, name: 'd/f', flags: 0 } as const;
      await refused(s.call(request), 'unlinkat of d/f', ...bad);
      expect(await s.exists(['d', 'f']), 'the file is gone');
    },
  },
  {
    name: 'a name with a slash is refused by symlink',
    dialects: unix,
    needs: ['symlink'],
    run: async (s) => {
      await s.mkdir('d');
      await refused(makeSymlink(s, 'd/link', 'f'), 'a symbolic link called d/link', ...bad);
      same(await namesIn(s, 'd'), [], 'names');
    },
  },
  {
    name: 'a name with a slash is refused by link',
    dialects: unix,
    needs: ['link'],
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f');
      await refused(makeLink(s, await s.walk('f'), 'd/g'), 'a link called d/g', ...bad);
      same(await namesIn(s, 'd'), [], 'names');
    },
  },
  {
    name: '255 bytes are not too long',
    run: async (s) => {
      const name = 'n'.repeat(255);
      await s.file(name, 'text');
      same(await namesIn(s), [name], 'names');
      same(await s.text(name), 'text', 'contents');
    },
  },
  {
    name: '256 bytes are too long',
    run: async (s) => {
      await refused(s.create('n'.repeat(256)), 'a name of 256 bytes', ENAMETOOLONG);
    },
  },
  {
    name: '128 letters of two bytes are too long',
    run: async (s) => {
      await refused(s.create('ä'.repeat(128)), 'a name of 256 bytes', ENAMETOOLONG);
    },
  },
  {
    name: 'letters of all scripts come back as they were',
    run: async (s) => comesBack(s, ['Größe', '日本語', '🜁 𝒳', 'русский'].sort()),
  },
  {
    name: 'blanks, quotes and control characters come back as they were',
    run: async (s) => comesBack(s, ['\n\t\x7f', ' ', '-rf *', '"\'\\$`', '...'].sort()),
  },
  {
    name: 'letters composed and decomposed are different names',
    run: async (s) => comesBack(s, ['\u00e9', 'e\u0301'].sort()),
  },
  {
    name: 'small and capital letters are different names',
    run: async (s) => comesBack(s, ['A', 'a']),
  },
  {
    name: 'what is not UTF-8 comes back as it was',
    needs: ['byte-names'],
    run: async (s) => comesBack(s, [bytesToName(Buffer.from('caf\xe9', 'latin1'))]),
  },
  {
    name: 'what is not UTF-8 is renamed and removed',
    needs: ['byte-names'],
    run: async (s) => {
      const [from, to] = [0xfe, 0xff].map((byte) => bytesToName(Buffer.from([byte])));
      await s.file(from!, 'text');
      await rename(s, from!, to!);
      same(await s.text(to!), 'text', 'contents');
      await s.remove(to!);
      same(await namesIn(s), [], 'names');
    },
  },
]);

/** Files of these names, sorted, are made, told and found. */
async function comesBack(s: Subject, wanted: readonly string[]): Promise<void> {
  for (const name of wanted) await s.file(name, name.length.toString());
  same(await namesIn(s), wanted, 'names');
  for (const name of wanted) same(await s.text(name), name.length.toString(), 'contents');
}

async function renameat(s: Subject, oldname: string, newname: string): Promise<void> {
  const [olddirfid, newdirfid] = [s.dir, s.dir];
  await s.call({ type: M.Trenameat, olddirfid, oldname, newdirfid, newname });
}

async function rename(s: Subject, from: string, to: string): Promise<void> {
  const fid = await s.walk(from);
  if (s.linux) await s.call({ type: M.Trename, fid, dfid: s.dir, name: to });
  else await s.call({ type: M.Twstat, fid, stat: { ...dontTouch, name: to } });
}
