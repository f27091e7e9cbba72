import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALICE } from '../support/cluster.js';
import {
  type CommandOptions,
  type CommandResult,
  type RunningCommand,
  runCommand,
  startCommand,
} from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';
import { isRoot } from '../support/needs.js';
import { Guest, type GuestOptions } from './guest.js';

/** A guest that knows Alice, who is at home on this machine: where tests run as root herself, else as who runs them. */
export class GuestSite {
  readonly guest: Guest;
  /** Hers alone. */
  readonly home: string;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #login: readonly string[];

  private constructor(guest: Guest, folder: string, keyFile: string, env: Record<string, string>) {
    this.guest = guest;
    this.home = join(folder, 'home');
    this.#folder = folder;
    this.#env = { ...env, HOME: this.home, PATH: '/usr/bin:/bin' };
    this.#login = ['--user', ALICE.name, '-k', keyFile];
  }

  static async start(options: Omit<GuestOptions, 'adminKey'> = {}): Promise<GuestSite> {
    const folder = await mkdtemp(join(tmpdir(), 'xcpu-vm-'));
    await chmod(folder, 0o755);
    const admin = await writeKey(testKey('admin_key'), folder);
    const user = await writeKey(ALICE.key, folder, isRoot ? ALICE : undefined);
    const guest = await Guest.start({ ...options, adminKey: testKey('admin_key') });
    const env = { XCPU_NODES_FILE: join(folder, 'nodes'), XCPU_ADMIN_KEY: admin.privateFile };
    const site = new GuestSite(guest, folder, user.privateFile, env);
    try {
      await writeFile(env.XCPU_NODES_FILE, `guest=${guest.name}\n`);
      await mkdir(site.home, { mode: 0o700 });
      if (isRoot) await chown(site.home, ALICE.uid, ALICE.gid);
      const { name, uid, group, gid } = ALICE;
      await site.administer('xgroupset', ['guest', group, String(gid)]);
      await site.administer('xuserset', ['guest', name, String(uid), group, user.publicFile]);
      return site;
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  /** Runs a command as the administrator. @throws Error with what it said, if it complains */
  async administer(command: string, args: readonly string[]): Promise<void> {
    const result = await runCommand(command, args, { env: this.#env });
    if (result.status === 0 && result.stderr === '') return;
    throw new Error(`${command}: ${JSON.stringify(result)}`);
  }

  /** Runs xrx as Alice, at home. */
  xrx(args: readonly string[], input = ''): Promise<CommandResult> {
    return runCommand('xrx', [...this.#login, ...args], { ...this.#options(), input });
  }

  /** Starts xrx as Alice, at home, and leaves its input open. */
  startXrx(args: readonly string[]): RunningCommand {
    return startCommand('xrx', [...this.#login, ...args], this.#options());
  }

  async stop(): Promise<void> {
    await this.guest.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #options(): CommandOptions {
    const who = isRoot ? { uid: ALICE.uid, gid: ALICE.gid } : {};
    return { ...who, env: this.#env, cwd: this.home, timeout: 110_000 };
  }
}
