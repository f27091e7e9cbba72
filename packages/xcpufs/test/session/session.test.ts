import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Request } from '@xcpu/9p-protocol/server';
import { Log } from '@xcpu/daemon';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MAX_PERSISTENT_PER_USER } from '../../src/limits.js';
import { MountError } from '../../src/mounts/mounter.js';
import { Namespaces } from '../../src/namespace/namespaces.js';
import { PipeMaker } from '../../src/program/pipes.js';
import { Spawner } from '../../src/program/program.js';
import { findNamespaceTools, findTools } from '../../src/program/tools.js';
import type { Session } from '../../src/session/session.js';
import { Sessions } from '../../src/session/sessions.js';
import type { StreamLog } from '../../src/session/stream-log.js';
import { addUser, makeTable, request, temporaryDirectory } from '../support.js';

const by = request(undefined, { transport: { peer: { address: '127.0.0.1!1' } } }) as Request;

describe('a session', () => {
  it('runs a program with what its files say, once', async () => {
    const { session } = setUp();
    session.argv = Buffer.from("sh -c 'echo $A $XCPUSID $XCPUID $USER; exit 3'");
    session.env = Buffer.from('A=b\n');
    session.id = { jobid: 'job', rank: 2 };
    await session.exec('sh', by);
    await expect(async () => session.exec('sh', by)).rejects.toThrow('program already started');
    expect(() => session.redirect('stdin', '/dev/null')).toThrow('program already started');
    expect(await session.ended).toEqual({ exitCode: 3 });
    expect(await outputOf(session.stdout)).toBe('b 0 job/2 ann\n');
    expect(session.pid).toBe(-1);
    session.signal(15);
    session.close('stdin');
  });

  it('tells on stderr, and by 125, what it cannot start', async () => {
    const { session } = setUp();
    session.ns = Buffer.from('mount a /b nfs x\n\ntmpfs /c uid=0\n');
    session.exec('true', by);
    expect(await session.ended).toEqual({ exitCode: 125 });
    expect(await outputOf(session.stderr)).toMatch(
      /^xcpufs: namespace line 1: mount: only .*\nxcpufs: namespace line 3: tmpfs: "uid=0" is not/,
    );
  });

  it('tells on stderr, and by 125, that the node can build no namespace', async () => {
    const { session } = setUp();
    session.ns = Buffer.from('chroot /tmp\n');
    await session.exec('true', by);
    expect(await session.ended).toEqual({ exitCode: 125 });
    expect(await outputOf(session.stderr)).toBe('xcpufs: no mounts here: use -l\n');
  });

  it('gives its program the umask of the client, if that is one', async () => {
    const { session, sessions, owner } = setUp();
    session.argv = Buffer.from('sh -c umask');
    session.env = Buffer.from('XCPU_UMASK=0027\n');
    await session.exec('sh', by);
    expect(await outputOf(session.stdout)).toBe('0027\n');
    const other = sessions.create(owner);
    other.env = Buffer.from('XCPU_UMASK=$(id)\n');
    await other.exec('sh', by);
    expect(await outputOf(other.stderr)).toBe('xcpufs: XCPU_UMASK=$(id): not an octal number\n');
  });

  it('tells all who wait, and none who gave up', async () => {
    const { session } = setUp();
    const told: string[] = [];
    session.onEnd((text) => told.push(`a${text}`));
    session.onEnd((text) => told.push(`b${text}`))();
    await session.exec('false', by);
    await session.ended;
    session.onEnd((text) => told.push(`c${text}`));
    expect(told).toEqual(['a256', 'c256']);
  });

  it('goes with its last reference when nothing runs', async () => {
    const { session, sessions } = setUp();
    session.acquire();
    session.acquire();
    session.release();
    expect(sessions.size).toBe(1);
    session.release();
    expect(sessions.size).toBe(0);
    await session.gone;
    expect(() => session.exec('true', by)).toThrow('session wiped');
  });

  it('tells its program by SIGHUP that nobody wants it any more', async () => {
    const { session, sessions } = setUp();
    session.acquire();
    session.argv = Buffer.from('sleep 100');
    await session.exec('sleep', by);
    session.release();
    expect(await session.ended).toEqual({ signal: 1 });
    await session.gone;
    expect(sessions.size).toBe(0);
  });

  it('stays without references while it is persistent', async () => {
    const { session, sessions } = setUp();
    session.acquire();
    session.setType('persistent');
    session.release();
    expect(sessions.size).toBe(1);
    session.wipe();
    await session.gone;
  });

  it('ends what waits when it is wiped, kills its program and what that started, and leaves nothing', async () => {
    const { session, directory } = setUp();
    const before = readdirSync('/proc/self/fd').length;
    const waits = new Promise<string>((resolve) => session.onEnd(resolve));
    session.setType('persistent');
    session.argv = Buffer.from('sh -c \'trap "" HUP TERM; setsid sleep 100 & echo $!; wait\'');
    await session.exec('sh', by);
    const stray = Number(await firstLine(session.stdout));
    session.wipe();
    expect(await waits).toBe('9');
    await session.gone;
    expect(session.stdout.ended).toBe(true);
    expect(runs(stray)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
    // Pipes made ahead apart.
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 40);
  });

  it('leaves nothing running when it is wiped while its program is being started', async () => {
    const { session } = setUp();
    session.argv = Buffer.from('sleep 100');
    const starting = session.exec('sleep', by);
    session.wipe();
    await Promise.resolve(starting).catch(() => {});
    await session.gone;
    expect(await session.ended).toEqual({ signal: 9 });
    expect(session.pid).toBe(-1);
    expect(session.stdout.ended).toBe(true);
  });

  it('survives a node that cannot clean up after it', async () => {
    const { session, lines } = setUp();
    session.files.remove = async () => {
      throw new Error('no descriptors');
    };
    session.wipe();
    await session.gone;
    expect(lines.join('')).toContain('session left something behind');
    expect(lines.join('')).toContain('no descriptors');
  });
});

describe('the sessions of a node', () => {
  it('are limited for each user', () => {
    const { sessions, owner, other } = setUp();
    for (let count = 1; count < 4_096; count++) sessions.create(owner);
    expect(() => sessions.create(owner)).toThrow('too many sessions of one user (limit 4096)');
    const session = sessions.create(other);
    session.wipe();
    sessions.create(other);
  });

  it('are limited for each user where they are persistent', () => {
    const { sessions, session, owner, other } = setUp();
    session.setType('persistent');
    for (let count = 1; count < MAX_PERSISTENT_PER_USER; count++) {
      sessions.create(owner).setType('persistent');
    }
    expect(() => sessions.create(owner).setType('persistent')).toThrow('too many persistent');
    expect(() => session.setType('persistent')).not.toThrow();
    sessions.create(other).setType('persistent');
  });

  it('are not made for a user who was deleted, nor while the node stops', async () => {
    const { sessions, owner, other } = setUp();
    other.deleted = true;
    expect(() => sessions.create(other)).toThrow('permission denied');
    await sessions.close(0);
    expect(() => sessions.create(owner)).toThrow('node is stopping');
  });
});

function setUp() {
  const directory = temporaryDirectory();
  const [place, trash] = [join(directory, 'sessions'), join(directory, 'trash')];
  mkdirSync(place);
  mkdirSync(trash);
  const tools = findTools(true);
  const spawner = new Spawner({
    tools,
    namespaces: new Namespaces(findNamespaceTools, refuseMounts, join(directory, 'namespaces')),
    pipes: new PipeMaker(tools.sh),
    cgroups: undefined,
    names: undefined,
    instance: 'a'.repeat(32),
    changesUser: false,
    nofile: '',
  });
  const lines: string[] = [];
  const log = new Log(false, (line) => lines.push(line));
  const defaults = { env: Buffer.alloc(0), ns: Buffer.alloc(0) };
  const mountTypes = () => [];
  const sessions = new Sessions({ spawner, directory: place, trash, defaults, mountTypes, log });
  const table = makeTable();
  const owner = addUser(table, 'ann', 41_001);
  const other = addUser(table, 'bob', 41_002);
  const session: Session = sessions.create(owner);
  onTestFinished(() => sessions.close(0));
  return { directory: place, sessions, session, owner, other, lines };
}

async function refuseMounts(): Promise<never> {
  throw new MountError('no mounts here: use -l');
}

/** All of a stream, once it has ended. */
async function outputOf(log: StreamLog): Promise<string> {
  while (!log.ended) await new Promise((resolve) => setTimeout(resolve, 1));
  const pieces = await log.read(log.start, 1_000_000);
  return Buffer.concat(pieces).toString();
}

async function firstLine(log: StreamLog): Promise<string> {
  for (;;) {
    const text = Buffer.concat(await log.read(log.start, 1_000)).toString();
    if (text.includes('\n')) return text.split('\n')[0]!;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Whether it is there, and more than a dead one whose parent has not looked yet. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}
