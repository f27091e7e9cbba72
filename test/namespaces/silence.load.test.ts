import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenTcp, type Transport } from '@xcpu/9p-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startProgram } from '../fuse/processes.js';
import { ALICE } from '../support/cluster.js';
import { bundle } from '../support/command.js';
import { FarNetwork, lacksNetworks } from '../support/far-network.js';
import { eventually } from '../support/wait.js';
import { type Footprint, footprintOf, idleFootprint, nothingLeft } from './footprint.js';
import { FileSite, lacksNodeRoots } from './support.js';

/** A silence of 45 s is seen; a while for the looks, and for a machine that is busy. */
const SEEN_MS = 75_000;
/** Longer than a test has. */
const LONG = { timeout: 280_000 };
const MUCH = 2 ** 25;

describe.skipIf(lacksNodeRoots() || lacksNetworks())('a network that falls silent', () => {
  let site: FileSite;
  let network: FarNetwork;
  let imported: string;
  let before: Footprint;

  beforeAll(async () => {
    // Everywhere, so that connections over IPv4 are listed as IPv6.
    site = await FileSite.start(1, { args: ['--listen', '::'] });
    network = await FarNetwork.make();
    imported = await mkdtemp(join(tmpdir(), 'xcpu-imported-'));
    await writeFile(join(imported, 'data'), 'theirs\n');
    await site.write('data', 'mine\n');
    await site.shell('true');
    before = await idleFootprint(site.cluster.node);
  });
  afterAll(async () => {
    await site?.stop();
    network?.remove();
    await rm(imported, { recursive: true, force: true });
  });
  afterEach(() => nothingLeft(site.cluster.node, before));

  /** A file in the node's memory, as it is seen from outside. */
  const onNode = (name: string) => `/proc/${site.cluster.node.pid}/root/dev/shm/${name}`;

  /** Runs a shell of the node's own in the user's directory, for xrx that is there. */
  const startThere = async (script: string, name: string, nodeMap: string) => {
    const args = ['--namespace', `/srv=${site.home}`, 'n1', 'sh', '-c', script, 'sh', name];
    const there = { wrap: network.wrap(ALICE), uid: 0, gid: 0 };
    const command = site.start(args, { nodeMap, ...there, ...LONG });
    await command.printed('ready');
    return command;
  };

  const HEARS = `trap 'echo told > /dev/shm/told-'$1' ; case '$1' in *goes) exit;; esac' HUP; echo ready`;
  const PRINTS = `${HEARS}; while :; do echo still here; sleep 0.1; done`;
  const READS = `${HEARS}; while :; do read -r x <data; echo $x >copy-$1; done`;

  test(
    'is told to the programs whose users are behind it, and to nobody else',
    async () => {
      const nodeMap = join(site.cluster.directory, 'there');
      await writeFile(nodeMap, `n1=${network.near}!${site.cluster.node.port}\n`);
      const jobs = [
        ['prints-goes', PRINTS],
        ['prints-stays', PRINTS],
        ['reads-goes', READS],
        ['reads-stays', READS],
      ] as const;
      const commands = await Promise.all(
        jobs.map(([name, script]) => startThere(script, name, nodeMap)),
      );
      const server = await serveThere();
      const reader = await startImporting(server.address);
      // One that does not read for as long, and had much on its way.
      const stopped = site.start(
        ['n1', 'sh', '-c', `echo ready; sleep 1; head -c ${MUCH} /dev/zero`],
        LONG,
      );
      await stopped.printed('ready');
      stopped.child.kill('SIGSTOP');
      const deaf = await startDeaf();

      network.cut();
      const names = jobs.map(([name]) => name);
      const told = (name: string) => existsSync(onNode(`told-${name}`));
      await eventually('they are told', () => names.every(told), SEEN_MS);
      await eventually(
        'their files are gone',
        () => footprintOf(site.cluster.node).mounts <= 2,
        SEEN_MS,
      );
      expect(site.cluster.node.log).toMatch(/connection lost.*no sign of life from the network/);
      for (const { result } of commands) {
        expect(await result).toMatchObject({
          status: 254,
          stderr: expect.stringMatching(/^xrx: n1: /),
        });
      }

      const imports = await reader.result;
      expect(imports).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^ready\n(theirs\n)+over\n$/),
      });
      expect(imports.stderr).toMatch(/data: (?:Input\/output error|Transport)/);

      stopped.child.kill('SIGCONT');
      const { status, stdout, stderr } = await stopped.result;
      expect({ status, stderr, length: stdout.length }).toEqual({
        status: 0,
        stderr: '',
        length: MUCH + 6,
      });
      await deaf.hears();
      for (const name of names) await rm(onNode(`told-${name}`));
      server.command.child.kill('SIGKILL');
      await server.command.result;
    },
    LONG.timeout,
  );

  /** A directory that another machine serves. */
  async function serveThere() {
    const address = `${network.far}!5640`;
    const serve = [process.execPath, bundle('9p'), 'serve', imported, '--listen', `tcp!${address}`];
    const [program, ...args] = [...network.wrap(), ...serve] as [string, ...string[]];
    const command = startProgram(program, args, LONG.timeout);
    await command.printed('listening');
    return { address, command };
  }

  /** A job whose user is here, and that reads files from there until it cannot. */
  async function startImporting(address: string) {
    await site.write('imports.ns', `unshare\nimport ${address} /mnt\n`);
    const script =
      'echo ready; while read -r x </mnt/data; do echo "$x"; sleep 0.1; done; echo over';
    const command = site.start(['--ns', 'imports.ns', 'n1', 'sh', '-c', script], LONG);
    await command.printed('theirs');
    return command;
  }

  /** A connection of which one end does not listen for a while to what the other says. */
  async function startDeaf() {
    let accept!: (transport: Transport) => void;
    const accepted = new Promise<Transport>((resolve) => {
      accept = resolve;
    });
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, accept);
    const socket = connect(Number(listener.address.split('!')[1]), '127.0.0.1').pause();
    const speaker = await accepted;
    let over = false;
    speaker.start({ data() {}, drain() {}, close: () => (over = true) });
    speaker.send([Buffer.alloc(MUCH)]);
    return {
      hears: async () => {
        expect(over).toBe(false);
        expect(speaker.unsent).toBeGreaterThan(0);
        let length = 0;
        for await (const chunk of socket) {
          length += chunk.length;
          if (length === MUCH) break;
        }
        speaker.destroy();
        await listener.close();
      },
    };
  }
});
