import { appendFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { lacksRoot } from '../support/needs.js';
import { Site } from '../support/site.js';

describe('xrx where something is wrong', () => {
  let site: Site;
  /** Accepts connections and never answers. */
  let silent: Server;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    site = await Site.start(3);
    silent = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.1.20', resolve));
    const { port } = silent.address() as AddressInfo;
    const map = await site.cluster.writeNodeMap();
    await appendFile(map, `silent=127.0.1.20!${port}\ndown=127.0.1.21!1\n`);
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    silent?.close();
    await site?.stop();
  });

  const sorted = (text: string) => text.replace(/\n$/, '').split('\n').sort();

  test('a node that is down is named with its reason: 254; the others run on', async () => {
    const result = await site.xrx(['-p', 'n[1-3],down', 'sh', '-c', 'sleep 0.1; echo ran; exit 3']);
    expect(result.status).toBe(254);
    expect(sorted(result.stdout)).toEqual(['n1: ran', 'n2: ran', 'n3: ran']);
    expect(result.stderr).toMatch(/^xrx: down: .*refused.*127\.0\.1\.21!1.*\n$/);
  });

  test('a node that does not answer is given up after --connect-timeout; the others run on', async () => {
    const args = ['-p', '--connect-timeout', '2.5', 'n[1-3],silent', 'echo', 'ran'];
    const result = await site.xrx(args);
    expect(result.status).toBe(254);
    expect(sorted(result.stdout)).toEqual(['n1: ran', 'n2: ran', 'n3: ran']);
    expect(result.stderr).toMatch(/^xrx: silent: no answer within 2\.5 s/);
  });

  test('a node that does not answer holds up nobody’s input', async () => {
    const command = site.startXrx(['-p', '--connect-timeout', '20', 'n[1-2],silent', 'cat']);
    command.child.stdin.write('first\n');
    await command.printed('n1: first');
    await command.printed('n2: first');
    const much = `${'x'.repeat(100_000)}\n`.repeat(40);
    command.child.stdin.write(`${much}last\n`);
    await command.printed('n1: last');
    await command.printed('n2: last');
    for (const socket of sockets) socket.destroy();
    command.child.stdin.end();
    const { status, stderr } = await command.result;
    expect(status).toBe(254);
    expect(stderr).toMatch(/^xrx: silent: /);
  });

  test('an unknown host is told as such', async () => {
    const result = await site.xrx(['no-such-host.invalid', 'true'], { timeout: 20_000 });
    expect(result.status).toBe(254);
    expect(result.stderr).toMatch(/^xrx: no-such-host\.invalid: (unknown host|the name service)/);
  });

  test('what is no xcpufs is told as such', async () => {
    const other = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.1.22', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = await site.xrx([`127.0.1.22!${port}`, 'true']);
    other.close();
    expect(status).toBe(254);
    expect(stderr).toMatch(/^xrx: 127\.0\.1\.22!\d+: .+\n$/);
  });

  test('a node that does not know the user: 254, and the way out', async () => {
    const { status, stderr } = await site.xrx(['--user', 'eve', 'n1', 'true']);
    expect(status).toBe(254);
    expect(stderr).toBe(
      'xrx: n1: unknown user: the node does not know eve; an administrator adds users with xuserset\n',
    );
  });

  test('a daemon that is killed mid-job: the others go on, 254', async () => {
    await using own = await siteWith(3);
    const script = 'trap "exit 0" TERM; echo ready; read line; echo "$line"';
    const command = own.site.startXrx(['-p', own.site.nodes, 'sh', '-c', script]);
    for (const n of [1, 2, 3]) await command.printed(`n${n}: ready`);
    await own.site.cluster.nodes[1]!.crash();
    await command.printed('n2: connection');
    command.child.stdin.end('go on\n');
    const { status, stdout, stderr } = await command.result;
    expect(status).toBe(254);
    expect(stdout).toContain('n1: go on\n');
    expect(stdout).toContain('n3: go on\n');
    expect(stderr).toMatch(/^xrx: n2: connection .+\n$/);
  });

  test('a daemon that is stopped mid-job passes on what its programs said last', async () => {
    await using own = await siteWith(1);
    const script = `trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.02; done`;
    const command = own.site.startXrx(['-p', 'n1', 'sh', '-c', script]);
    await command.printed('n1: ready');
    own.site.cluster.node.child.kill('SIGTERM');
    const { status, stdout } = await command.result;
    expect(stdout).toBe('n1: ready\nn1: told\n');
    expect(status).toBe(5);
  });

  test.each([
    ['no program', ['n1'], /program.*missing/],
    ['no nodes', [], /NODES is missing/],
    ['a node set that is none', ['n[1-', 'true'], /n\[1-/],
    ['an unknown option', ['--frobnicate', 'n1', 'true'], /--frobnicate/],
    ['a timeout that is none', ['--timeout', 'soon', 'n1', 'true'], /--timeout soon/],
    ['a tree that is none', ['-n', '0', 'n1', 'true'], /-n 0/],
    ['a job name that is none', ['-j', 'a/b', 'n1', 'true'], /-j a\/b: /],
    ['a key that is not there', ['-k', '/no/such/key', 'n1', 'true'], /\/no\/such\/key/],
  ])('wrong usage, %s: 2', async (_, args, reason) => {
    const { status, stdout, stderr } = await site.xrx(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/^xrx: /);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a faulty node map is told line by line: 2', async () => {
    const file = join(site.cluster.directory, 'faulty');
    await writeFile(file, '# nodes\nn1 127.0.1.8\nn2=127.0.1.9!99999\nn3=127.0.1.10\n');
    const env = { XCPU_NODES_FILE: file };
    const { status, stderr } = await site.xrx(['n3', 'true'], { env });
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining(`${file}:2: `),
      expect.stringContaining(`${file}:3: `),
    ]);
    const missing = await site.xrx(['n3', 'true'], { env: { XCPU_NODES_FILE: '/no/such/map' } });
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain('/no/such/map');
  });

  test.skipIf(lacksRoot())("a private key that is somebody else's to read: 2", async () => {
    const { privateFile } = await site.cluster.writeUserKey(ALICE);
    const { status, stderr } = await site.run('xrx', ['-k', privateFile, 'n1', 'true'], {
      uid: 65_534,
      gid: 65_534,
    });
    expect(status).toBe(2);
    expect(stderr).toContain(privateFile);
  });

  async function siteWith(count: number) {
    const own = await Site.start(count);
    return { site: own, [Symbol.asyncDispose]: () => own.stop() };
  }
});
