import { MessageType, OpenMode } from '../../constants.js';
import { LockStatus, LockType } from '../../constants-linux.js';
import { about, type Behaviour, linux } from '../behaviour.js';
import { same, unknown } from '../expect.js';
import type { Subject } from '../subject.js';

const M = MessageType;
const { RDLCK, WRLCK, UNLCK } = LockType;
const { SUCCESS, BLOCKED } = LockStatus;

/** Somebody who has a file open. */
interface Holder {
  readonly s: Subject;
  readonly fid: number;
  readonly procId: number;
}

export const lock: readonly Behaviour[] = about(
  'lock',
  [
    {
      name: 'what is free is taken',
      run: async (s) => {
        const { one } = await holders(s);
        same(await take(one, WRLCK), SUCCESS, 'status');
      },
    },
    {
      name: 'writing keeps others from writing',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK);
        same(await take(two, WRLCK), BLOCKED, 'status of the second');
      },
    },
    {
      name: 'writing keeps others from reading',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK);
        same(await take(two, RDLCK), BLOCKED, 'status of the second');
      },
    },
    {
      name: 'reading keeps others from writing',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, RDLCK);
        same(await take(two, WRLCK), BLOCKED, 'status of the second');
      },
    },
    {
      name: 'reading is shared',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, RDLCK);
        same(await take(two, RDLCK), SUCCESS, 'status of the second');
      },
    },
    {
      name: 'other bytes are free',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK, 0, 10);
        same(await take(two, WRLCK, 10, 10), SUCCESS, 'status of the bytes behind');
        same(await take(two, WRLCK, 9, 1), BLOCKED, 'status of the last byte');
      },
    },
    {
      name: 'length 0 reaches to the end',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK, 100, 0);
        same(await take(two, WRLCK, 2 ** 40, 1), BLOCKED, 'status far behind');
        same(await take(two, WRLCK, 0, 100), SUCCESS, 'status before');
      },
    },
    {
      name: 'what is given up is free',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK);
        same(await take(one, UNLCK), SUCCESS, 'status of the unlocking');
        same(await take(two, WRLCK), SUCCESS, 'status of the second');
      },
    },
    {
      name: 'the middle can be given up',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK, 0, 30);
        await take(one, UNLCK, 10, 10);
        same(await take(two, WRLCK, 10, 10), SUCCESS, 'status of the middle');
        same(await take(two, WRLCK, 0, 1), BLOCKED, 'status of the first byte');
        same(await take(two, WRLCK, 29, 1), BLOCKED, 'status of the last byte');
      },
    },
    {
      name: 'what nobody holds can be given up',
      run: async (s) => {
        const { one } = await holders(s);
        same(await take(one, UNLCK), SUCCESS, 'status');
      },
    },
    {
      name: 'nobody is in his own way',
      run: async (s) => {
        const { one } = await holders(s);
        await take(one, WRLCK, 0, 10);
        same(await take(one, WRLCK, 5, 10), SUCCESS, 'status');
      },
    },
    {
      name: 'a reader becomes a writer',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, RDLCK);
        same(await take(one, WRLCK), SUCCESS, 'status of the upgrade');
        same(await take(two, RDLCK), BLOCKED, 'status of the second');
      },
    },
    {
      name: 'a reader among others does not become a writer',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, RDLCK);
        await take(two, RDLCK);
        same(await take(one, WRLCK), BLOCKED, 'status of the upgrade');
      },
    },
    {
      name: 'a writer becomes a reader, and lets others in',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK);
        same(await take(one, RDLCK), SUCCESS, 'status of the downgrade');
        same(await take(two, RDLCK), SUCCESS, 'status of the second');
      },
    },
    {
      name: 'other processes of a client are others',
      run: async (s) => {
        const { one } = await holders(s);
        await take(one, WRLCK);
        const fid = await s.open('f', OpenMode.READ_WRITE);
        same(await take({ s, fid, procId: 9 }, WRLCK), BLOCKED, 'status of another process');
      },
    },
    {
      name: 'a clunk gives up what was taken',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK);
        await one.s.clunk(one.fid);
        same(await take(two, WRLCK), SUCCESS, 'status of the second');
      },
    },
    {
      name: 'the end of a connection gives up what was taken',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(two, WRLCK);
        two.s.close();
        // The server may hear of it later than of the next request.
        let status: number = BLOCKED;
        for (let turn = 0; turn < 1000 && status === BLOCKED; turn++) {
          status = await take(one, WRLCK);
        }
        same(status, SUCCESS, 'status after the other is gone');
      },
    },
    {
      name: 'an unknown fid is refused',
      run: async (s) => {
        await unknown(take({ s, fid: 54_321, procId: 1 }, WRLCK), 'Tlock');
      },
    },
    {
      name: 'getlock tells that nobody is in the way',
      run: async (s) => {
        const { one } = await holders(s);
        same((await getlock(one, WRLCK)).lockType, UNLCK, 'type');
      },
    },
    {
      name: 'getlock tells who is in the way',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, WRLCK, 5, 10);
        const { lockType, start, length, procId } = await getlock(two, WRLCK);
        const wanted = { lockType: WRLCK, start: 5, length: 10, procId: one.procId };
        same({ lockType, start, length, procId }, wanted, 'lock in the way');
      },
    },
    {
      name: 'getlock takes nothing',
      run: async (s) => {
        const { one, two } = await holders(s);
        await getlock(one, WRLCK);
        same(await take(two, WRLCK), SUCCESS, 'status of the second');
      },
    },
    {
      name: 'getlock does not tell of readers to a reader',
      run: async (s) => {
        const { one, two } = await holders(s);
        await take(one, RDLCK);
        same((await getlock(two, RDLCK)).lockType, UNLCK, 'type');
      },
    },
  ],
  { dialects: linux, needs: ['lock'] },
);

/** Two connections that have the same file open. */
async function holders(s: Subject): Promise<{ one: Holder; two: Holder }> {
  await s.file('f', 'text');
  const other = await s.another();
  const [mine, theirs] = [
    await s.open('f', OpenMode.READ_WRITE),
    await other.open('f', OpenMode.READ_WRITE),
  ];
  return { one: { s, fid: mine, procId: 1 }, two: { s: other, fid: theirs, procId: 2 } };
}

async function take(
  { s, fid, procId }: Holder,
  lockType: number,
  start = 0,
  length = 0,
): Promise<number> {
  const clientId = `client-${procId}`;
  const request = { type: M.Tlock, fid, lockType, flags: 0, start, length, procId, clientId };
  return (await s.call(request as typeof request & { type: 52 })).status;
}

function getlock({ s, fid, procId }: Holder, lockType: number) {
  const clientId = `client-${procId}`;
  return s.call({ type: M.Tgetlock, fid, lockType, start: 0, length: 0, procId, clientId });
}
