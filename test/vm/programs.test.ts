import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { type CommandResult, runCommand } from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';
import { isRoot } from '../support/needs.js';
import { Guest } from './guest.js';
import { lacksGuests } from './needs.js';

describe.skipIf(lacksGuests())('a node without a disk', () => {
  let guest: Guest;
  let folder: string;
  let env: Record<string, string>;
  let userKey: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xcpu-vm-'));
    await chmod(folder, 0o755);
    const admin = await writeKey(testKey('admin_key'), folder);
    const user = await writeKey(ALICE.key, folder, isRoot ? ALICE : undefined);
    userKey = user.privateFile;
    guest = await Guest.start({ adminKey: testKey('admin_key') });
    env = { XCPU_NODES_FILE: join(folder, 'nodes'), XCPU_ADMIN_KEY: admin.privateFile };
    await writeFile(env.XCPU_NODES_FILE!, `guest=${guest.name}\n`);
    await succeeds(run('xgroupset', ['guest', ALICE.group, String(ALICE.gid)]));
    const { name, uid, group } = ALICE;
    await succeeds(run('xuserset', ['guest', name, String(uid), group, user.publicFile]));
  });

  afterAll(async () => {
    await guest?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('runs programs on its own kernel', async () => {
    const { stdout, status } = await xrx(['-l', 'guest', 'uname', '-r']);
    expect(stdout).toBe(`${guest.release}\n`);
    expect(stdout).toMatch(/^6\.1\./);
    expect(status).toBe(0);
  });

  test('runs them as the user it was told of', async () => {
    const { stdout } = await xrx(['-l', 'guest', 'id']);
    expect(stdout).toContain(`uid=${ALICE.uid}`);
    expect(stdout).toContain(`gid=${ALICE.gid}`);
  });

  test('passes input, output and the exit status on', async () => {
    const script = 'cat; echo oops >&2; exit 3';
    const { stdout, stderr, status } = await xrx(['-l', 'guest', 'sh', '-c', script], 'in\n');
    expect({ stdout, stderr, status }).toMatchObject({ stdout: 'in\n', status: 3 });
    expect(stderr).toContain('oops\n');
  });

  // Programs with the user's own files, through `mount -t 9p -o trans=fd`, belong here: as above without `-l`.

  test('leaves its kernel content', async () => {
    expect(await guest.complaints()).toBe('');
  });

  function xrx(args: readonly string[], input = ''): Promise<CommandResult> {
    const who = isRoot ? { uid: ALICE.uid, gid: ALICE.gid } : {};
    const login = ['--user', ALICE.name, '-k', userKey];
    return runCommand('xrx', [...login, ...args], { env, input, ...who });
  }

  function run(name: string, args: readonly string[]): Promise<CommandResult> {
    return runCommand(name, args, { env });
  }
});

async function succeeds(command: Promise<CommandResult>): Promise<void> {
  expect(await command).toMatchObject({ status: 0, stderr: '' });
}
