import { SyntheticFile, snapshot } from '@xcpu/9p-protocol/server';
import { formatProcessList } from '@xcpu/xcpu-protocol';
import { expect, it } from 'vitest';
import { dial, listProcessesAndEnded, type NodeConnection } from '../../src/index.js';
import type { FakeNode, FakeSession } from '../fake-node.js';
import { alice, fakeNode } from '../support.js';

const procs = formatProcessList([]);

/** A session of a job whose `ctl` and `wait` read so; `wait` says nothing until there is something to say. */
function session(node: FakeNode, rank: number, ctl: string, wait?: string): FakeSession {
  const made = node.makeSession();
  const add = (name: string, text: string | undefined) => {
    const file = new SyntheticFile<string>({ name, mode: 0o664, uid: 'x', gid: 'x' });
    file.open = () =>
      text === undefined ? { stream: true, read: () => new Promise(() => {}) } : snapshot(text);
    made.directory.add(file);
  };
  add('id', `job/${rank}`);
  add('ctl', ctl);
  add('wait', wait);
  return made;
}

async function endedOn(node: FakeNode): Promise<readonly string[]> {
  const connection: NodeConnection = await dial(node.target, alice);
  try {
    const { ended } = await listProcessesAndEnded(connection);
    return ended.map(({ xcpusid, xcpujid }) => `${xcpusid} ${xcpujid}`);
  } finally {
    connection.close();
  }
}

it('tells sessions whose programs are over from those that have not begun', async () => {
  const node = await fakeNode({ procs });
  session(node, 1, '-1', '0');
  session(node, 2, '-1');
  session(node, 3, '-1', '256');
  expect(await endedOn(node)).toEqual(['0 job/1', '2 job/3']);
});

it('asks a legacy node one thing at a time, and nothing that it may not answer', async () => {
  const node = await fakeNode({ legacy: true, procs });
  session(node, 1, '-1\n');
  session(node, 2, '1234');
  session(node, 3, '-1\n');
  expect(await endedOn(node)).toEqual(['0 job/1', '2 job/3']);
  expect(node.overtaking).toBe(0);
});
