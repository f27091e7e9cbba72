import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { login } from '../support/client.js';
import { type Daemon, startDaemon } from '../support/cluster.js';
import { testKey, writeKey } from '../support/keys.js';
import { eventually } from '../support/wait.js';

/** Whether programs run as their users, or all as the daemon's. */
export type Mode = 'root' | 'same-user';

/** The user that the cases log in as; no entry of the host's. */
export const USER = { name: 'fuzz', uid: 41001, group: 'fuzzers', gid: 41100 };
/** Whom the daemon runs as in same-user mode when the fuzzer is root: a mangled path must not reach root's files. */
const DAEMON_USER = { uid: 41002, gid: 41002 };

const userKey = testKey('fuzz');
const adminKey = testKey('admin');

/** The daemon under test. */
export class Target {
  readonly daemon: Daemon;
  readonly #directory: string;

  private constructor(daemon: Daemon, directory: string) {
    this.daemon = daemon;
    this.#directory = directory;
  }

  static async start(mode: Mode): Promise<Target> {
    const directory = mkdtempSync(join(tmpdir(), 'xcpu-fuzz-'));
    // Users pass through to what they pushed.
    chmodSync(directory, 0o755);
    const { publicFile } = await writeKey(adminKey, join(directory, 'keys'));
    const root = process.getuid?.() === 0;
    const demoted = mode === 'same-user' && root ? DAEMON_USER : undefined;
    if (demoted) chownSync(directory, demoted.uid, demoted.gid);
    const sameUser = mode === 'same-user' || !root ? ['-s'] : [];
    const args = ['-a', publicFile, ...sameUser];
    const place = { host: '127.0.1.8', temporary: directory, args, user: demoted };
    const daemon = await startDaemon(place);
    const target = new Target(daemon, directory);
    await target.reset();
    return target;
  }

  key(uname: string) {
    return uname === USER.name ? userKey : adminKey;
  }

  /** Makes the node again what the cases expect, whatever they have done to it. */
  async reset(): Promise<void> {
    await using admin = await login(this.daemon, { uname: 'xcpu-admin', key: adminKey });
    const { name, uid, group, gid } = USER;
    // In one write: another case's admin may remove the group between two.
    const user = `user-add ${name} ${uid} ${group} '${userKey.line}'`;
    await admin.nodeCtl(`group-flush\ngroup-add ${group} ${gid}\n${user}`);
    await admin.write('env', '', 0x11);
    await admin.write('ns', '', 0x11);
    const clone = await admin.root.walk('clone');
    await clone.wstat({ mode: 0o444, uid: 'xcpu-admin' });
  }

  /**
   * Runs a program as a fresh client.
   * @throws Error unless it is served as if nothing had happened
   */
  async serves(): Promise<void> {
    await using user = await login(this.daemon, { uname: USER.name, key: userKey });
    const argv = ['/bin/sh', '-c', 'cat; echo err >&2; exit 3'];
    const result = await user.run(argv, { input: 'in\n' });
    const wanted = { status: { exitCode: 3 }, stdout: 'in\n', stderr: 'err\n' };
    if (JSON.stringify(result) !== JSON.stringify(wanted)) {
      throw new Error(`a fresh client was served wrongly: ${JSON.stringify(result)}`);
    }
  }

  /** Wipes what persistent sessions are left, and waits until nothing is. */
  async drained(): Promise<void> {
    await using admin = await login(this.daemon, { uname: 'xcpu-admin', key: adminKey });
    const sessions = async () => {
      const root = await admin.open('');
      const entries = await root.readDirectory();
      await root.clunk();
      return entries.map(({ name }) => name).filter((name) => /^\d+$/.test(name));
    };
    await eventually(
      'no session is left',
      async () => {
        const left = await sessions();
        await Promise.allSettled(left.map((sid) => admin.write(`${sid}/ctl`, 'wipe\n')));
        return left.length === 0;
      },
      20_000,
    );
  }

  /** Resident memory in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.daemon.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.daemon.pid}/fd`).length;
  }

  async stop(): Promise<void> {
    await this.daemon.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
