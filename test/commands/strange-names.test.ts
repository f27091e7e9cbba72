import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Listener, listenTcp } from '@xcpu/9p-protocol';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/cluster.js';
import { runCommand } from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';

const HOST = '127.0.4.30';
/** What turns the rest of a line around, and what some terminals take for the beginning of a command. */
const PROCESSES =
  '(pid (cmdline) state xcpusid xcpujid ) \n(7 (sleep \u202e99 \u009b31m) S 1 job\u009b2J/1 ) \n';
const TREE = {
  pwent: 'e\u202evil:5:5:g\u202e\n',
  grent: 'g\u202e:5\n',
  keys: '',
  procs: PROCESSES,
};

describe('a node whose names are meant for a terminal', () => {
  let directory: string;
  let listener: Listener;
  let node: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'xcpu-names-'));
    const { privateFile } = await writeKey(testKey('admin_key'), directory);
    await writeFile(join(directory, 'groups'), 'staff 5000\n');
    const port = await freePort(HOST);
    const server = new Server(serveTree(TREE));
    listener = await listenTcp({ host: HOST, port }, (transport) => void server.accept(transport));
    node = `${HOST}!${port}`;
    env = { XCPU_ADMIN_KEY: privateFile, XCPU_NODES_FILE: '/dev/null' };
  });
  afterAll(async () => {
    await listener?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test.each([
    ['xps', ['NODE'], /sleep \?99 \?31m/],
    ['xps', ['--json', 'NODE'], /"\\u202e99","\\u009b31m"/],
    ['xgetent', ['passwd', 'NODE'], /e\?vil/],
    ['xgetent', ['--json', 'passwd', 'NODE'], /"e\\u202evil"/],
    ['xgroupset', ['--from', 'groups', '--sync', '--dry-run', 'NODE'], /g\? is not in groups/],
  ])('drives none by %s %j', async (command, args, shown) => {
    const all = args.map((arg) => (arg === 'NODE' ? node : arg));
    const { stdout, stderr } = await runCommand(command, all, { env, cwd: directory });
    expect(stdout + stderr).toMatch(shown);
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });
});
