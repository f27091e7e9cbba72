import { MessageType } from '../../constants.js';
import { XattrFlag } from '../../constants-linux.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, linux } from '../behaviour.js';
import { expect, refused, same, unknown } from '../expect.js';
import type { Subject } from '../subject.js';

const { EEXIST, ENODATA } = Errno;
const M = MessageType;
const NAME = 'user.conformance';

export const xattr: readonly Behaviour[] = about(
  'xattr',
  [
    {
      name: 'what was set is there',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        same(await get(s, 'f'), Buffer.from('value'), 'value');
      },
    },
    {
      name: 'every byte comes back as it was',
      run: async (s) => {
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
        await s.file('f');
        await set(s, 'f', bytes);
        same(await get(s, 'f'), bytes, 'value');
      },
    },
    {
      name: 'Rxattrwalk tells the size',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        same((await walk(s, 'f', NAME)).size, 5, 'size');
      },
    },
    {
      name: 'a value is read from any offset',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        const { fid } = await walk(s, 'f', NAME);
        same((await s.read(fid, 3)).toString(), 'ue', 'value from 3 on');
        same((await s.read(fid, 5)).length, 0, 'bytes at the end');
      },
    },
    {
      name: 'an empty value is one',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', '');
        same((await walk(s, 'f', NAME)).size, 0, 'size');
      },
    },
    {
      name: 'what is not there is refused',
      run: async (s) => {
        await s.file('f');
        await refused(walk(s, 'f', NAME), 'an attribute that is not there', ENODATA);
      },
    },
    {
      name: 'a refused Txattrwalk leaves newfid free',
      run: async (s) => {
        await s.file('f');
        const newfid = s.fid();
        const fid = await s.walk('f');
        const request = { type: M.Txattrwalk, fid, newfid, name: NAME } as const;
        await refused(s.call(request), 'an attribute that is not there', ENODATA);
        await unknown(s.info(newfid), 'a fid of a refused Txattrwalk');
      },
    },
    {
      name: 'the list has their names',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        await set(s, 'f', 'value', 0, `${NAME}.2`);
        const names = await list(s, 'f');
        expect(names.includes(NAME) && names.includes(`${NAME}.2`), `names ${names.join(' ')}`);
      },
    },
    {
      name: 'the list of a new file has none of a user',
      run: async (s) => {
        await s.file('f');
        const names = (await list(s, 'f')).filter((name) => name.startsWith('user.'));
        same(names, [], 'names');
      },
    },
    {
      name: 'a later value replaces',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'long before');
        await set(s, 'f', 'now');
        same(await get(s, 'f'), Buffer.from('now'), 'value');
      },
    },
    {
      name: 'XATTR_CREATE refuses what is there',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        await refused(set(s, 'f', 'other', XattrFlag.CREATE), 'XATTR_CREATE', EEXIST);
        same(await get(s, 'f'), Buffer.from('value'), 'value');
      },
    },
    {
      name: 'XATTR_REPLACE refuses what is not there',
      run: async (s) => {
        await s.file('f');
        await refused(set(s, 'f', 'value', XattrFlag.REPLACE), 'XATTR_REPLACE', ENODATA);
      },
    },
    {
      name: 'nothing with XATTR_REPLACE removes',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        await set(s, 'f', '', XattrFlag.REPLACE);
        await refused(walk(s, 'f', NAME), 'an attribute that was removed', ENODATA);
      },
    },
    {
      name: 'less than was announced sets nothing',
      run: async (s) => {
        await s.file('f');
        const fid = await s.walk('f');
        await s.call({ type: M.Txattrcreate, fid, name: NAME, size: 10, flags: 0 });
        await s.write(fid, 0, 'less');
        await s.clunk(fid).catch(() => undefined);
        await refused(walk(s, 'f', NAME), 'an attribute that was not finished', ENODATA);
      },
    },
    {
      name: 'more than was announced is refused',
      run: async (s) => {
        await s.file('f');
        const fid = await s.walk('f');
        await s.call({ type: M.Txattrcreate, fid, name: NAME, size: 2, flags: 0 });
        await refused(s.write(fid, 0, 'more'), 'more than was announced');
      },
    },
    {
      name: 'the fid is free after its clunk',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        const { fid } = await walk(s, 'f', NAME);
        await s.clunk(fid);
        await unknown(s.read(fid), 'a fid that was clunked');
      },
    },
    {
      name: 'a directory has them too',
      run: async (s) => {
        await s.mkdir('d');
        await set(s, 'd', 'value');
        same(await get(s, 'd'), Buffer.from('value'), 'value');
      },
    },
    {
      name: 'they move with the file',
      run: async (s) => {
        await s.file('f');
        await set(s, 'f', 'value');
        const fid = await s.walk('f');
        await s.call({ type: M.Trename, fid, dfid: s.dir, name: 'g' });
        same(await get(s, 'g'), Buffer.from('value'), 'value');
      },
    },
    {
      name: 'the contents of the file stay as they are',
      run: async (s) => {
        await s.file('f', 'text');
        await set(s, 'f', 'value');
        same(await s.text('f'), 'text', 'contents');
      },
    },
  ],
  { dialects: linux, needs: ['xattr'] },
);

async function set(
  s: Subject,
  file: string,
  value: string | Uint8Array,
  flags = 0,
  name = NAME,
): Promise<void> {
  const fid = await s.walk(file);
  await s.call({ type: M.Txattrcreate, fid, name, size: value.length, flags });
  if (value.length > 0) same(await s.write(fid, 0, value), value.length, 'count of the write');
  await s.clunk(fid);
}

async function walk(s: Subject, file: string, name: string) {
  const [fid, newfid] = [await s.walk(file), s.fid()];
  const { size } = await s.call({ type: M.Txattrwalk, fid, newfid, name });
  return { fid: newfid, size };
}

async function get(s: Subject, file: string): Promise<Buffer> {
  const { fid } = await walk(s, file, NAME);
  return s.read(fid);
}

async function list(s: Subject, file: string): Promise<string[]> {
  const { fid, size } = await walk(s, file, '');
  const names = (await s.read(fid)).toString();
  same(names.length, size, 'size of the list');
  return names.split('\0').slice(0, -1);
}
