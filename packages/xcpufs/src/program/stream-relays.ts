import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { nodeError } from '../errors.js';
import type { OwnEnds, Owner, ProgramPipes } from './pipes.js';

const { O_RDONLY, O_WRONLY } = constants;

/**
 * Puts a process of dd(1) between us and each pipe of a program.
 *
 * For a program that moves a file to a pipe, or from one, by sendfile(2) or splice(2), Linux holds the pipe's lock until
 * the file has answered (splice_file_to_pipe and iter_file_splice_write in fs/splice.c); so it does where a buffer to be
 * written is mapped from one. Meanwhile read(2), write(2) and close(2) of the other end wait, uninterruptibly, O_NONBLOCK or
 * not. Were that us, nobody would relay the answer any more: busybox's cat and programs in Rust would stop the whole node.
 * What dd passes on comes through a socket, which has no such lock. The program itself has pipes, as sockets cannot be
 * opened by name, which `echo x >/dev/stderr` does.
 *
 * Only programs with a namespace of their own get relays, whose files come through us: to start three processes more takes
 * some 4 ms. Of others a file system would have to hang for which we do nothing.
 *
 * @param dd its path. Unlike busybox's cat, it does not do the like itself
 * @param pipes our ends are closed here
 * @param owner whom the relays run as
 * @throws NinePError if the node has no room for another process; all of our ends are closed then
 */
export function relayStreams(dd: string, { ours }: ProgramPipes, owner: Owner): OwnEnds {
  const relays: ChildProcess[] = [];
  try {
    const [stdin, stdout, stderr] = ours;
    const input = relay(dd, owner, ['pipe', reopened(stdin, O_WRONLY), 'ignore'], relays);
    const output = relay(dd, owner, [reopened(stdout, O_RDONLY), 'pipe', 'ignore'], relays);
    const errors = relay(dd, owner, [reopened(stderr, O_RDONLY), 'pipe', 'ignore'], relays);
    return [input.stdin as Socket, output.stdout as Socket, errors.stdout as Socket];
  } catch (error) {
    for (const { stdin, stdout } of relays) {
      stdin?.destroy();
      stdout?.destroy();
    }
    throw error;
  } finally {
    for (const fd of ours) closeSync(fd);
  }
}

/** The end of a pipe as one that waits: ours do not. */
function reopened(fd: number, flags: number): number {
  return openSync(`/proc/self/fd/${fd}`, flags);
}

function relay(
  dd: string,
  owner: Owner,
  stdio: StdioOptions & readonly ('pipe' | 'ignore' | number)[],
  relays: ChildProcess[],
): ChildProcess {
  try {
    const child = spawn(dd, ['bs=128k'], { ...owner, stdio, env: {}, cwd: '/', detached: true });
    child.on('error', () => {});
    relays.push(child);
    if (child.pid === undefined) {
      throw nodeError('cannot start a process: the node is short of resources');
    }
    return child;
  } finally {
    for (const fd of stdio) if (typeof fd === 'number') closeSync(fd);
  }
}
