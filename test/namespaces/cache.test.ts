import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageType } from '@xcpu/9p-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { FileSite, type FileSiteOptions, lacksNodeRoots } from './support.js';
import { TreeServer } from './tree-server.js';

const NODES: readonly (readonly [whose: string, options: FileSiteOptions])[] = [
  ['root', {}],
  ['an ordinary user', { root: { user: ALICE }, args: ['-s'] }],
];

/** Looks, tells, waits until it is told to go on, and looks again. Longer than a name is believed without a cache. */
const LOOKS_TWICE = `cat old; ls; echo looked; read word; sleep 1.5
cat old; cat new 2>/dev/null || echo none`;

describe.skipIf(lacksNodeRoots()).each(NODES)('cache on a node of %s', (_, options) => {
  let site: FileSite;
  let directory: string;

  beforeAll(async () => {
    site = await FileSite.start(1, options);
    directory = await mkdtemp(join(tmpdir(), 'xcpu-cached-'));
    await chmod(directory, 0o777);
  });
  afterAll(async () => {
    await site?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const software = () => TreeServer.start(directory, { host: '127.0.1.97' });

  /** What is seen where both files change between two looks. */
  async function seen(command: string): Promise<string> {
    await writeFile(join(directory, 'old'), 'before\n');
    await rm(join(directory, 'new'), { force: true });
    await using server = await software();
    await using node = await site.cluster.user(ALICE);
    const session = await node.newSession();
    const ns = `unshare\n${command} ${server.address} /srv\ncd /srv\n`;
    await session.start(['sh', '-c', `cat new 2>&1 >/dev/null || :; ${LOOKS_TWICE}`], { ns });
    const stdout = await session.open('stdout');
    let told = '';
    while (!told.includes('looked\n')) {
      const piece = await stdout.read(0, 1000);
      if (piece.length === 0) throw new Error(told + (await session.text('stderr')));
      told += piece.toString();
    }
    await writeFile(join(directory, 'old'), 'after!\n');
    await writeFile(join(directory, 'new'), 'new\n');
    await session.write('stdin', 'go\n');
    told = '';
    for (;;) {
      const piece = await stdout.read(0, 1000);
      if (piece.length === 0) break;
      told += piece.toString();
    }
    await session.close();
    return told;
  }

  test('does not ask again for what it was told, as import does', async () => {
    expect(await seen('import')).toBe('after!\nnew\n');
    expect(await seen('cache')).toBe('before\nnone\n');
    expect(await seen('cache -o ro')).toBe('before\nnone\n');
  });

  test('saves requests', async () => {
    await mkdir(join(directory, 'a/b/c'), { recursive: true });
    await writeFile(join(directory, 'a/b/c/file'), 'deep\n');
    const requests = async (command: string) => {
      await using server = await software();
      await using node = await site.cluster.user(ALICE);
      const { stdout, stderr } = await node.run(
        ['sh', '-c', 'stat -c %s a/b/c/file; sleep 1.2; stat -c %s a/b/c/file'],
        { ns: `${command} ${server.address} /srv\ncd /srv\n` },
      );
      expect({ stdout, stderr }).toEqual({ stdout: '5\n5\n', stderr: '' });
      const asked = server.takeRequests();
      const about = [MessageType.Twalk, MessageType.Tgetattr] as readonly number[];
      return asked.filter((type) => about.includes(type)).length;
    };
    const [imported, cached] = [await requests('import'), await requests('cache')];
    expect(imported - cached).toBeGreaterThanOrEqual(2);
  });

  test('has what programs write on the server, even if they are killed', async () => {
    await using server = await software();
    await using node = await site.cluster.user(ALICE);
    const script = `echo first >made; echo second >>made; mkdir d; echo x >d/e
      i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); done >many
      cat made; ls . d; exec 9>>many; echo last >&9; kill -KILL $$`;
    const { status, stdout, stderr } = await node.run(['sh', '-c', script], {
      ns: `cache ${server.address} /srv\ncd /srv\n`,
    });
    expect({ status, stderr }).toEqual({ status: { signal: 9 }, stderr: '' });
    expect(stdout).toMatch(/^first\nsecond\n(?:.*\n)*d\nmade\nmany\n(?:.*\n)*d:\ne\n$/);
    expect(await readFile(join(directory, 'made'), 'utf8')).toBe('first\nsecond\n');
    expect(await readFile(join(directory, 'd/e'), 'utf8')).toBe('x\n');
    const many = await readFile(join(directory, 'many'), 'utf8');
    expect(many).toMatch(/^line 0\n[\s\S]*line 1999\nlast\n$/);
  });

  test('is for the user’s own files, too', async () => {
    await site.write('own.ns', 'unshare\ncache $XCPUTSADDR /mnt\ncd /mnt\n');
    await site.write('data', 'mine\n');
    const args = ['--ns', 'own.ns', '--root', site.home];
    expect(await site.shell('cat data; echo made >out; cat out', { args })).toBe('mine\nmade\n');
    expect(await site.read('out')).toBe('made\n');
  });

  test('names the server that it cannot reach', async () => {
    await using node = await site.cluster.user(ALICE);
    const { status, stderr } = await node.run(['true'], { ns: 'cache 127.0.1.249!1 /mnt\n' });
    expect(status).toEqual({ exitCode: 125 });
    expect(stderr).toMatch(
      /^xcpufs: namespace line 1: cache \/mnt: 127\.0\.1\.249!1: .*refused\n$/,
    );
  });
});
