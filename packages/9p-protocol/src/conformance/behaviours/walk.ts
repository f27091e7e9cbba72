import { MessageType, QidType } from '../../constants.js';
import { Errno } from '../../errno.js';
import { about, type Behaviour, plan9, unix } from '../behaviour.js';
import { different, expect, refused, same, unknown } from '../expect.js';
import { makeSymlink } from '../links.js';
import type { Subject } from '../subject.js';

const { ENOENT, ENOTDIR } = Errno;

export const walk: readonly Behaviour[] = about('walk', [
  {
    name: 'no names make a second fid of the same file',
    run: async (s) => {
      await s.file('f', 'text');
      const fid = await s.walk('f');
      const clone = await s.walk([], fid);
      same((await s.info(clone)).qid.path, (await s.info(fid)).qid.path, 'qid.path of the clone');
    },
  },
  {
    name: 'no names yield no qids',
    run: async (s) => same((await twalk(s, s.dir, s.fid(), [])).length, 0, 'qids of the walk'),
  },
  {
    name: 'a clone outlives what it was made from',
    run: async (s) => {
      const fid = await s.walk();
      const clone = await s.walk([], fid);
      await s.clunk(fid);
      await s.info(clone);
    },
  },
  {
    name: 'a clone can be clunked without the other',
    run: async (s) => {
      await s.clunk(await s.walk());
      await s.info(s.dir);
    },
  },
  {
    name: 'a name leads to the file',
    run: async (s) => {
      await s.file('f', 'text');
      same(await s.text('f'), 'text', 'contents');
    },
  },
  {
    name: 'each name yields a qid, in order',
    run: async (s) => {
      const a = await s.mkdir('a');
      const fid = await s.walk('a');
      const b = await s.mkdir('b', 0o755, fid);
      const qids = await twalk(s, s.dir, s.fid(), ['a', 'b']);
      same(
        qids.map(({ path }) => path),
        [a.path, b.path],
        'paths of the qids',
      );
    },
  },
  {
    name: 'the qid of a directory says so, that of a file does not',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f');
      same((await s.qid('d')).type & QidType.DIR, QidType.DIR, 'bit DIR of a directory');
      same((await s.qid('f')).type & QidType.DIR, 0, 'bit DIR of a file');
    },
  },
  {
    name: 'a file has the same qid.path whenever it is walked to',
    run: async (s) => {
      await s.file('f');
      same((await s.qid('f')).path, (await s.qid('f')).path, 'qid.path');
    },
  },
  {
    name: 'two files have two qid.paths',
    run: async (s) => {
      await s.file('f');
      await s.file('g');
      different((await s.qid('f')).path, (await s.qid('g')).path, 'qid.path of two files');
    },
  },
  {
    name: 'sixteen names go in one walk',
    run: async (s) => {
      const names = await deepDirectory(s);
      same((await twalk(s, s.dir, s.fid(), names)).length, 16, 'qids of the walk');
    },
  },
  {
    name: 'a first name that is not there is refused',
    run: async (s) => refused(s.walk('nothing'), 'a walk to nothing', ENOENT),
  },
  {
    name: 'a refused walk leaves newfid free',
    run: async (s) => {
      const newfid = s.fid();
      await refused(twalk(s, s.dir, newfid, ['nothing']), 'a walk to nothing', ENOENT);
      await twalk(s, s.dir, newfid, []);
    },
  },
  {
    name: 'a later name that is not there ends the walk before it',
    run: async (s) => {
      const { path } = await s.mkdir('d');
      const qids = await twalk(s, s.dir, s.fid(), ['d', 'nothing', 'more']);
      same(
        qids.map((qid) => qid.path),
        [path],
        'paths of the qids',
      );
    },
  },
  {
    name: 'a walk that ends early makes no newfid',
    run: async (s) => {
      await s.mkdir('d');
      const newfid = s.fid();
      await twalk(s, s.dir, newfid, ['d', 'nothing']);
      await unknown(s.info(newfid), 'a fid of a walk that ended early');
    },
  },
  {
    name: 'a walk that ends early leaves fid where it was',
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk();
      await twalk(s, fid, fid, ['d', 'nothing']);
      same((await s.info(fid)).qid.path, (await s.info(s.dir)).qid.path, 'qid.path of the fid');
    },
  },
  {
    name: 'newfid may be fid, which moves',
    run: async (s) => {
      const { path } = await s.mkdir('d');
      const fid = await s.walk();
      await twalk(s, fid, fid, ['d']);
      same((await s.info(fid)).qid.path, path, 'qid.path of the fid');
    },
  },
  {
    name: 'newfid may be fid without names',
    run: async (s) => {
      const fid = await s.walk();
      await twalk(s, fid, fid, []);
      await s.info(fid);
    },
  },
  {
    name: 'a newfid in use is refused',
    run: async (s) => {
      const used = await s.walk();
      await refused(twalk(s, s.dir, used, []), 'a newfid in use');
    },
  },
  {
    name: 'a refused newfid keeps its file',
    run: async (s) => {
      await s.mkdir('d');
      const used = await s.walk('d');
      await refused(twalk(s, s.dir, used, []), 'a newfid in use');
      same((await s.info(used)).qid.path, (await s.qid('d')).path, 'qid.path of the fid in use');
    },
  },
  {
    name: 'an unknown fid is refused',
    run: async (s) => unknown(twalk(s, 54_321, s.fid(), []), 'a walk from nowhere'),
  },
  {
    name: '.. leads to the parent',
    run: async (s) => {
      await s.mkdir('d');
      const fid = await s.walk(['..'], await s.walk('d'));
      same((await s.info(fid)).qid.path, (await s.info(s.dir)).qid.path, 'qid.path of the parent');
    },
  },
  {
    name: '.. yields the qid of the parent',
    run: async (s) => {
      await s.mkdir('d');
      const [, up] = await twalk(s, s.dir, s.fid(), ['d', '..']);
      same(up?.path, (await s.info(s.dir)).qid.path, 'qid.path of ..');
    },
  },
  {
    name: '.. at the root stays there',
    run: async (s) => {
      const fid = await s.walk(['..', '..'], s.root);
      same(
        (await s.info(fid)).qid.path,
        (await s.info(s.root)).qid.path,
        'qid.path above the root',
      );
    },
  },
  {
    name: '.. leads on in the middle of a walk',
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', 'text');
      same(await s.text(['d', '..', 'f']), 'text', 'contents');
    },
  },
  {
    name: 'nothing is below a file',
    run: async (s) => {
      await s.file('f');
      const fid = await s.walk('f');
      await refused(s.walk('x', fid), 'a walk from a file', ENOTDIR, ENOENT);
    },
  },
  {
    name: 'a walk through a file ends at it',
    run: async (s) => {
      await s.file('f');
      same((await twalk(s, s.dir, s.fid(), ['f', 'x'])).length, 1, 'qids of the walk');
    },
  },
  {
    name: '.. does not lead back from a file',
    run: async (s) => {
      await s.file('f');
      same((await twalk(s, s.dir, s.fid(), ['f', '..'])).length, 1, 'qids of the walk');
    },
  },
  {
    name: 'a fid that is open is refused',
    dialects: plan9,
    run: async (s) => {
      const open = await s.open();
      await refused(twalk(s, open, s.fid(), []), 'a walk from an open fid');
    },
  },
  {
    name: 'a symbolic link is not followed at the end',
    dialects: unix,
    needs: ['symlink'],
    run: async (s) => {
      await s.file('f');
      await makeSymlink(s, 'link', 'f');
      const link = await s.qid('link');
      different(link.path, (await s.qid('f')).path, 'qid.path of the link and the file');
      same(link.type & QidType.SYMLINK, QidType.SYMLINK, 'bit SYMLINK of the qid');
    },
  },
  {
    name: 'a symbolic link is not followed on the way',
    dialects: unix,
    needs: ['symlink'],
    run: async (s) => {
      await s.mkdir('d');
      await s.file('f', '', await s.walk('d'));
      await makeSymlink(s, 'link', 'd');
      expect(!(await s.exists(['link', 'f'])), 'the walk goes through the link');
    },
  },
]);

async function twalk(s: Subject, fid: number, newfid: number, names: readonly string[]) {
  return (await s.call({ type: MessageType.Twalk, fid, newfid, names })).qids;
}

/** Directories below each other, as many as fit into a walk. */
async function deepDirectory(s: Subject): Promise<string[]> {
  const names = Array.from({ length: 16 }, (_, index) => `d${index}`);
  let from = s.dir;
  for (const name of names) {
    await s.mkdir(name, 0o755, from);
    from = await s.walk(name, from);
  }
  return names;
}
