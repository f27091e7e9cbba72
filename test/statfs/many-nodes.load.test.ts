import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/cluster.js';
import { testKey, writeKey } from '../support/keys.js';
import { Statfs } from '../support/statfs.js';
import { eventually } from '../support/wait.js';
import { SimulatedNode } from './simulated-nodes.js';

const COUNT = 500;
/** Every tenth. */
const DYING = Array.from({ length: COUNT / 10 }, (_, index) => index * 10);

describe('500 nodes', () => {
  let directory: string;
  let nodes: SimulatedNode[];
  let statfs: Statfs;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-statfs-'));
    const adminKey = testKey('admin_key');
    const { privateFile } = await writeKey(adminKey, directory);
    const port = await freePort('127.0.2.1');
    nodes = Array.from({ length: COUNT }, (_, index) => {
      const host = `127.0.${2 + Math.floor(index / 250)}.${1 + (index % 250)}`;
      return new SimulatedNode(host, port, adminKey.publicKey);
    });
    await Promise.all(nodes.map((node) => node.start()));
    statfs = await Statfs.start({
      ...{ directory, adminKey: privateFile, host: '127.0.1.253', interval: 1 },
      nodes: nodes.map(({ host }, index) => `n${index}=${host}!${port}`),
    });
  });
  afterAll(async () => {
    await statfs?.stop();
    await Promise.all((nodes ?? []).map((node) => node.die()));
    await rm(directory, { recursive: true, force: true });
  });

  const summary = async () => (await statfs.xstat()).stdout.trimEnd().split('\n').at(-1);
  const becomes = (text: string) =>
    eventually(text, async () => (await summary()) === text, 30_000).catch(async (error) => {
      throw new Error(`${error}; it is ${await summary()}`);
    });

  test('are seen, lost and found again, and those that stay are left in peace', async () => {
    await becomes('up 500');

    await Promise.all(DYING.map((index) => nodes[index]!.die()));
    await becomes('up 450, down 50: n[0-490/10]');

    await Promise.all(DYING.map((index) => nodes[index]!.start()));
    await becomes('up 500');

    // One connection each, kept.
    const accepted = nodes.map((node) => node.accepted);
    const stayed = accepted.filter((_, index) => !DYING.includes(index));
    expect(new Set(stayed)).toEqual(new Set([1]));
    const down = new Set(statfs.log.match(/(?<=node=)n\d+(?= state="down)/g));
    expect([...down].sort()).toEqual(DYING.map((index) => `n${index}`).sort());
  });

  test('show what changes on any of them, and cost little memory', async () => {
    nodes[7]!.says.state = 'drained';
    nodes[8]!.says.sessions = ['1', '17'];
    await becomes('up 499, drained 1: n7');
    await eventually('the sessions are counted', async () => {
      const [node] = JSON.parse((await statfs.xstat('--json', 'n8')).stdout);
      return node.jobs === 2;
    });
    const status = await readFile(`/proc/${statfs.pid}/status`, 'utf8');
    expect(Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1])).toBeLessThan(200 * 1024);
  });
});
