import { Errno, OpenMode } from '@xcpu/9p-protocol';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../src/session/session.js';
import { Term } from '../../src/session/term.js';
import { attributes } from '../../src/tree/caller.js';
import { TermFile } from '../../src/tree/term-file.js';
import { addUser, callerOf, makeTable, request, textOf } from '../support.js';

const { READ, WRITE, READ_WRITE, TRUNCATE } = OpenMode;

describe('the file term', () => {
  it("is opened by the session's owner and the administrator alone", async () => {
    const { file, table, ann, as } = setUp();
    const mate = table.addUser({ name: 'mate', uid: 1002, group: ann.group.name, key: ann.key! });
    const other = addUser(table, 'bob', 1003);
    for (const user of [mate, other]) {
      expect(() => file.open(READ_WRITE, as(user))).toThrow('permission denied');
    }
    for (const user of [ann, table.admin]) {
      const opened = await file.open(READ_WRITE, as(user));
      await opened.close?.();
    }
  });

  it.each([READ, WRITE, WRITE | TRUNCATE])('is of no use in mode %s', (mode) => {
    const { file, as, ann } = setUp();
    expect(() => file.open(mode, as(ann))).toThrow(
      expect.objectContaining({ errno: Errno.EINVAL }),
    );
  });

  it('may be truncated, as a shell does', async () => {
    const { file, as, ann } = setUp();
    file.wstat({ length: 0 }, as(ann));
    await file.open(READ_WRITE | TRUNCATE, as(ann));
  });

  it('is not for whoever gave the session away after he walked there', () => {
    const { file, session, table, ann, as } = setUp();
    session.owner = addUser(table, 'bob', 1003);
    expect(() => file.open(READ_WRITE, as(ann))).toThrow('permission denied');
  });

  it('carries bytes until it is closed', async () => {
    const { file, session, ann, as } = setUp();
    const open = await file.open(READ_WRITE, as(ann));
    const written = Promise.allSettled([
      open.write!(0, Buffer.from('a'), as(ann)),
      open.writePieces!(7, [Buffer.from('b'), Buffer.from('c')], as(ann)),
    ]);
    expect(() => file.open(READ_WRITE, as(ann))).toThrow('term: in use');
    session.term.end();
    expect((await written).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await textOf(open.read!(0, 10, as(ann)))).toBe('');
  });

  it('is gone with its session', () => {
    const { file, session, ann, as } = setUp();
    session.checkAlive = () => {
      throw new Error('session wiped');
    };
    expect(() => file.open(READ_WRITE, as(ann))).toThrow('session wiped');
  });
});

function setUp() {
  const table = makeTable();
  const ann = addUser(table, 'ann', 1001);
  const term = new Term();
  const openTerm = () => term.open();
  const session = { owner: ann, term, openTerm, checkAlive: () => {} } as unknown as Session;
  const file = new TermFile(session, () => attributes('term', 0o600, session.owner), 1, undefined);
  const as = (user: typeof ann) => request(callerOf(table, user));
  return { file, session, table, ann, as };
}
