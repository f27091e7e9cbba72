import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OpenMode } from '@xcpu/9p-protocol';
import { serveDirectory } from '@xcpu/9p-protocol/fs';
import { Server as FilesServer } from '@xcpu/9p-protocol/server';
import { TermTransport } from '@xcpu/libxcpu';
import { parseWaitStatus } from '@xcpu/xcpu-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { guardianOf } from '../support/processes.js';
import { eventually } from '../support/wait.js';
import { type Footprint, footprintOf, idleFootprint, nothingLeft, victimsOf } from './footprint.js';
import { Link } from './link.js';
import { DAEMONS, FileSite, lacksNodeRoots } from './support.js';

describe.skipIf(lacksNodeRoots()).each(DAEMONS)(
  'when it ends, and how: of $whose',
  ({ options }) => {
    let site: FileSite;
    let before: Footprint;

    beforeAll(async () => {
      site = await FileSite.start(1, options);
      await site.shell('true');
      await site.write('data', 'my data\n');
      before = await idleFootprint(site.cluster.node);
    });
    afterAll(() => site?.stop());
    afterEach(() => nothingLeft(site.cluster.node, before));

    /** A file in the node's memory, as it is seen from outside. */
    const onNode = (name: string) => `/proc/${site.cluster.node.pid}/root/dev/shm/${name}`;

    test('a program ends while files are open, and leaves others that have some', async () => {
      const script = `exec 3>written 4<data; echo kept >&3
      (exec 5>other; echo kept >&5; sleep 1000) >&- 2>&- & cat <&4; kill -9 $$`;
      const result = await site.xrx(['n1', 'sh', '-c', script]);
      expect(result).toMatchObject({ status: 137, stdout: 'my data\n', stderr: '' });
      expect(await site.read('written')).toBe('kept\n');
    });

    /**
     * Tells the node's memory that it was told of the end, and goes or stays. The shell is the node's own: with code that is
     * no more to be had from home it would not get that far.
     */
    const TELLS = `trap 'echo told > /dev/shm/told-'$1' ; case '$1' in goes*) exit;; esac' HUP
    exec 3<data; echo ready; while :; do :; done`;

    test('xrx is killed, or its network cut: programs are told SIGHUP, and killed', async () => {
      const link = await Link.start(site.cluster.node);
      const nodeMap = join(site.cluster.directory, 'linked');
      await writeFile(nodeMap, `n1=${link.name}\n`);
      const start = async (name: string, way: { nodeMap?: string }) => {
        const args = ['--namespace', `/srv=${site.home}`, 'n1', 'sh', '-c', TELLS, 'sh', name];
        const command = site.start(args, way);
        await command.printed('ready');
        return command;
      };
      const killed = [await start('goes', {}), await start('stays', {})];
      const cut = [await start('goes-too', { nodeMap }), await start('stays-too', { nodeMap })];
      link.cut();
      for (const { child } of killed) child.kill('SIGKILL');
      const names = ['goes', 'stays', 'goes-too', 'stays-too'];
      const told = (name: string) => existsSync(onNode(`told-${name}`));
      await eventually('they are told', () => names.every(told));
      for (const { result } of cut) {
        const { status, stderr } = await result;
        expect({ status, stderr }).toEqual({
          status: 254,
          stderr: expect.stringMatching(/^xrx: n1: connection/),
        });
      }
      await link.close();
      const left = () => footprintOf(site.cluster.node).mounts;
      await eventually('those that go are gone', () => left() === 2);
      // For as long as programs that do not care are given.
      await eventually('the others are, too', () => left() === 0, 14_000);
      for (const name of names) await rm(onNode(`told-${name}`));
    });

    test('a network that stands still, and an xrx that is stopped, stop programs no longer than that', async () => {
      const link = await Link.start(site.cluster.node);
      const nodeMap = join(site.cluster.directory, 'linked');
      await writeFile(nodeMap, `n1=${link.name}\n`);
      const script = `echo ready; for i in $(seq 60); do read -r x <data; echo $x >copy-$i; done; cat copy-*`;
      for (const how of ['network', 'xrx']) {
        const command = site.start(['n1', 'sh', '-ec', script], { nodeMap });
        await command.printed('ready');
        const stop = (stopped: boolean) =>
          how === 'xrx' ? command.child.kill(stopped ? 'SIGSTOP' : 'SIGCONT') : link.stall(stopped);
        stop(true);
        await sleep(700);
        stop(false);
        const { status, stdout, stderr } = await command.result;
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toBe(`ready\n${'my data\n'.repeat(60)}`);
      }
      await link.close();
    });

    test('a persistent session is told EIO of files whose user left, and goes on', async () => {
      const node = await site.cluster.user(ALICE);
      const session = await node.newSession();
      await session.ctl('type persistent');
      const fid = await session.open('term', OpenMode.READ_WRITE);
      const served = serveDirectory(site.home);
      new FilesServer(served).accept(
        new TermTransport({ fid, opened: Promise.resolve() }, { address: 'n1', group: 'n1' }),
      );
      const script = `cat data; until [ -e /dev/shm/cut ]; do sleep 0.05; done
      cat data || echo "status $?"; echo x > new || echo "status $?"; echo goes on; sleep 0.1; exit 7`;
      await session.start(['sh', '-c', script], {
        ns: 'unshare\nimport session!term /mnt\ncd /mnt\n',
        env: [['XCPUTSADDR', 'session!term']],
      });
      const out = await session.open('stdout');
      expect(String(await out.read(0, 100))).toBe('my data\n');
      node.client.destroy();
      served.close();
      await writeFile(onNode('cut'), '');
      await using again = await site.cluster.user(ALICE);
      const text = (file: string) => again.text(`${session.sid}/${file}`);
      expect(parseWaitStatus(await text('wait'))).toEqual({ exitCode: 7 });
      expect(await text('stdout')).toBe('my data\nstatus 1\nstatus 2\ngoes on\n');
      expect(await text('stderr')).toMatch(/data: (?:Input\/output error|Transport)[\s\S]*new: /);
      await again.write(`${session.sid}/ctl`, 'wipe\n');
      await rm(onNode('cut'));
    });
  },
);

describe.skipIf(lacksNodeRoots()).each(DAEMONS)(
  'a daemon of $whose that is killed while programs use files',
  ({ options }) => {
    const STAYS = `exec 3>open; echo ready; trap '' HUP TERM; while :; do /bin/sleep 0.1; done`;

    test('leaves nothing', async () => {
      const site = await FileSite.start(1, options);
      try {
        const { node } = site.cluster;
        const commands = [1, 2].map(() => site.start(['n1', 'sh', '-c', STAYS]));
        await Promise.all(commands.map((command) => command.printed('ready')));
        const left = victimsOf(node);
        expect(left.programs.length).toBeGreaterThan(1);
        await node.crash();
        for (const { result } of commands) expect((await result).status).toBe(254);
        await eventually('nobody serves mounts', () => left.helpers.every(isGone));
        await eventually('its programs have ended', () => left.programs.every(isGone));
        await eventually('its directory is gone', () => readdirSync(node.temporary).length === 0);
      } finally {
        await site.stop();
      }
    });

    test('with its guardian, leaves nothing once it is started again, and its helpers nothing at once', async () => {
      const site = await FileSite.start(1, options);
      try {
        const { node } = site.cluster;
        const commands = [1, 2].map(() => site.start(['n1', 'sh', '-c', STAYS]));
        await Promise.all(commands.map((command) => command.printed('ready')));
        const left = victimsOf(node);
        expect(left.programs.length).toBeGreaterThan(1);
        process.kill(guardianOf(node), 'SIGKILL');
        await node.crash();
        for (const { result } of commands) expect((await result).status).toBe(254);
        await eventually('nobody serves mounts', () => left.helpers.every(isGone));
        const again = await site.restart(node);
        expect(again.log).toContain('cleared after a crash');
        expect(left.programs.every(isGone)).toBe(true);
        expect(existsSync(left.directory)).toBe(false);
        await again.stop();
        expect(readdirSync(node.temporary)).toEqual([]);
      } finally {
        await site.stop();
      }
    });
  },
);

function isGone(pid: number): boolean {
  return !existsSync(`/proc/${pid}/exe`);
}
