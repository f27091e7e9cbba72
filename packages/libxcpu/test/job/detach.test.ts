import { expect, it } from 'vitest';
import { detach } from '../../src/index.js';
import type { FakeProgram } from '../fake-node.js';
import { alice, fakeNode, until } from '../support.js';

const stuck: FakeProgram = () => new Promise(() => {});

it('leaves persistent sessions behind, and no connection', async () => {
  const node = await fakeNode({ programs: { stuck } });
  const job = await detach([node.target], ['stuck'], { login: alice, jobid: 'j' });
  expect(job).toEqual({ jobid: 'j', started: [{ rank: 1, node: 'n1' }] });
  expect(node.texts('ctl').join('')).toContain('type persistent\n');
  await until(() => node.server.connections.size === 0);
});

it.each([undefined, ''])('makes up a name where %j is given', async (jobid) => {
  const node = await fakeNode({ programs: { stuck } });
  const job = await detach([node.target], ['stuck'], { login: alice, jobid });
  expect(job.jobid).toMatch(/^j[0-9a-f]{12}$/);
  expect(node.texts('ctl').join('')).toContain(`id ${job.jobid}/1\n`);
});

it('refuses a name that a job of the user has', async () => {
  const node = await fakeNode({ programs: { stuck } });
  await detach([node.target], ['stuck'], { login: alice, jobid: 'j' });
  const again = detach([node.target], ['stuck'], { login: alice, jobid: 'j' });
  await expect(again).rejects.toThrow('n1: a job j is there already');
  expect(node.sessions.size).toBe(1);
});

it('names the nodes on which nothing could be started', async () => {
  const node = await fakeNode({ programs: { stuck } });
  const legacy = await fakeNode({ legacy: true }, 'n2');
  const { started } = await detach([node.target, legacy.target], ['stuck'], { login: alice });
  expect(started).toMatchObject([{ rank: 1 }, { rank: 2, error: { kind: 'failed' } }]);
  expect(started[0]?.error).toBeUndefined();
});

it('wipes what was started when it is interrupted, and waits for no node that is silent', async () => {
  const node = await fakeNode({ programs: { stuck } });
  let asked = false;
  const silent = await fakeNode(
    {
      sessionCommand: () => {
        asked = true;
        return new Promise(() => {});
      },
    },
    'n2',
  );
  const controller = new AbortController();
  const detaching = detach([node.target, silent.target], ['stuck'], {
    login: alice,
    signal: controller.signal,
  });
  await until(() => asked && node.texts('ctl').length > 0);
  controller.abort(new Error('enough'));
  await expect(detaching).rejects.toThrow('enough');
  expect(node.sessions.size).toBe(0);
  await until(() => silent.server.connections.size === 0);
});
