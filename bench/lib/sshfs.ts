import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { type Command, isInstalled, timeCommand } from './commands.js';
import type { SshTargets } from './ssh-targets.js';

/** Runs a program in one of the ways that are compared. */
export type Way = <Result>(
  words: readonly string[],
  measure: (command: Command) => Promise<Result>,
) => Promise<Result>;

/** Programs that a node runs from a mount of another machine's files by sshfs(1). */
export interface SshfsNode {
  /**
   * Logs in, mounts the other machine's root, and runs a program with the mount as its root; all in one command of ssh.
   * The mount is not there before, and is taken away after the command, which nobody waits for.
   *
   * @throws Error as `timeCommand`
   */
  readonly mountAndRun: Way;
  /** The same on a mount that was made before and has been used: what it knows of files, it may still know. */
  readonly run: Way;
}

/** Whether there is all that is needed: only root can change a program's root. */
export function hasSshfs(): boolean {
  const needed = ['ssh', '/usr/sbin/sshd', 'sshfs', 'mount', 'umount', 'chroot', 'nsenter'];
  return process.getuid?.() === 0 && needed.every(isInstalled);
}

/**
 * The node is the first of the targets, the machine with the files the second. What helps sshfs is done for it:
 *
 * - ssh's fastest cipher, for which processors have instructions, and no compression.
 * - `auto_cache`: contents of files stay in the node's memory while their time of change does, as with xcpu's mounts. By
 *   default they are read again whenever a file is opened.
 * - The node's directories (/dev, /proc, /sys) are bound alone, without what is mounted below them.
 *
 * @param targets whose mounts are their own: they are not taken away but with the targets
 * @param folder where it may make directories to mount on
 */
export async function startSshfs(targets: SshTargets, folder: string): Promise<SshfsNode> {
  const [node = '', home = ''] = targets.addresses;
  const fresh = `${folder}/sshfs`;
  const standing = `${folder}/sshfs-standing`;
  const login = (script: string): Command => ({
    program: 'ssh',
    args: [...targets.sshArguments, node, script],
  });
  const mounting = (directory: string) => {
    const options = `auto_cache,no_contain_symlinks,Ciphers=aes128-gcm@openssh.com`;
    // What it leaves running must not keep ssh's streams open.
    const sshfs = `sshfs -F ${targets.configFile} -o ${options} ${home}:/ ${directory} >/dev/null 2>&1`;
    return [sshfs, ...NODE_OWN.map((own) => `mount --bind ${own} ${directory}${own}`)].join(' && ');
  };
  const running = (directory: string, words: readonly string[]) =>
    `exec chroot ${directory} ${words.map(quoted).join(' ')}`;
  for (const directory of [fresh, standing]) mkdirSync(directory);
  await timeCommand(login(mounting(standing)));
  return {
    async mountAndRun(words, measure) {
      try {
        return await measure(login(`${mounting(fresh)} && ${running(fresh, words)}`));
      } finally {
        unmount(targets.pid(node), fresh);
      }
    },
    run: (words, measure) => measure(login(running(standing, words))),
  };
}

/** What a program sees of the node itself, as with xrx. */
const NODE_OWN = ['/dev', '/proc', '/sys'];

/** In the mount namespace of a process. What was never mounted, as the command failed before, needs no word. */
function unmount(pid: number, directory: string): void {
  const unmounting = ['umount', '--lazy', '--recursive', directory];
  spawnSync('nsenter', [`--mount=/proc/${pid}/ns/mnt`, '--', ...unmounting], { stdio: 'ignore' });
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
