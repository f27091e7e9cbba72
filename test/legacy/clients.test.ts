import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatProcessList, parseProcessList } from '@xcpu/xcpu-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/cluster.js';
import { type CommandResult, runCommand, startCommand } from '../support/command.js';
import { testKey, writeKey } from '../support/keys.js';
import { Statfs } from '../support/statfs.js';
import { eventually } from '../support/wait.js';
import { LegacyServer } from './legacy-server.js';
import { PREPARATIONS, preparationCommands, ROOT } from './preparations.js';
import { programFor, RECORDED_DATE } from './programs.js';
import { readTranscript, recordedProcs, type Transcript, transcriptNames } from './transcripts.js';
import { foldEnvironment, foldNamespace, recordedWrites } from './written.js';

/** Commands that do not exist yet, and the one thing that xrx does not do yet. */
const LATER: Readonly<Record<string, string>> = {
  'xrx_n1_treespawn_two_servers.s1': '-n is accepted and flat for now: nobody needs a passkey',
  'xrx_n1_treespawn_two_servers.s2': '-n is accepted and flat for now: nobody needs a passkey',
  'xrx_p_two_servers.s2': 'the second half of xrx_p_two_servers.s1, which runs both',
};

/** Exit statuses by our rules where they are not the recorded ones; `xrx` of old always exits 0. */
const STATUS: Readonly<Record<string, number>> = {
  // The recorded node's status for a program that is not there is errno 22, whatever went wrong.
  xrx_noexec: 22,
  xrx_sh_out_err_exit3: 3,
  xrx_sigterm: 128 + 15,
  // A node refused, or was not there.
  xrx_after_delete: 254,
  xrx_one_node_down: 254,
  xrx_unknown_user: 254,
  xrx_wrong_key: 254,
};

/** What our xrx says on stderr where the recorded one said something else, or less. */
const STDERR: Readonly<Record<string, RegExp>> = {
  // The reason has the node's name in front of it.
  xrx_after_delete: /NODE: .*unknown user/,
  xrx_unknown_user: /NODE: .*unknown user/,
  xrx_wrong_key: /NODE: .*authentication failed/,
  xrx_one_node_down: /DOWN: .*refused/,
};

let directory: string;
let keys: Record<'admin_key' | 'user_key' | 'other_key', string>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xcpu-legacy-'));
  const write = async (name: string) => (await writeKey(testKey(name), directory)).privateFile;
  keys = {
    admin_key: await write('admin_key'),
    user_key: await write('user_key'),
    other_key: await write('other_key'),
  };
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const servers: LegacyServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

async function startServers(
  transcript: Transcript,
  procs = recordedProcs(transcript),
): Promise<LegacyServer[]> {
  const wanted =
    transcript.name === 'xrx_p_two_servers.s1' ? ['127.0.1.50', '127.0.1.51'] : ['127.0.1.50'];
  for (const host of wanted) {
    const server = await LegacyServer.start({
      host,
      adminKey: testKey('admin_key').publicKey,
      procs,
      programs: programFor,
    });
    for (const command of preparationCommands(PREPARATIONS[transcript.name] ?? {})) {
      server.users.write(`${command}\n`);
    }
    servers.push(server);
  }
  return servers;
}

const names = transcriptNames().filter((name) => !(name in LATER));

describe('xrx against a legacy server', () => {
  for (const name of names.filter((name) => name.startsWith('xrx_'))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const [server, ...others] = await startServers(transcript);
      const down = `127.0.1.52!${await freePort('127.0.1.52')}`;
      const { command, args } = ourCommand(transcript, [server!.name, others[0]?.name ?? down]);
      const running = startCommand(command, args);
      running.child.stdin.end(inputOf(transcript));
      if (name === 'xrx_sigterm') {
        const started = () => server!.sessions[0]?.written.ctl.includes('close stdin\n') === true;
        await eventually('the program runs', started);
        running.child.kill('SIGTERM');
      }
      const result = await running.result;

      expect(server!.crashed).toBeUndefined();
      expect(server!.refused.filter((text) => !/^(afid|): /.test(text))).toEqual([]);
      expectOutput(transcript, result, [server!.name, others[0]?.name ?? down]);
      expect(result.status).toBe(STATUS[name] ?? transcript.meta!.exit);
      const recorded = recordedWrites(transcript).session;
      const ranks = name === 'xrx_one_node_down' ? [] : servers.flatMap(({ sessions }) => sessions);
      for (const [index, { written }] of ranks.entries()) {
        const rank = (text: string) => text.replace('/1\n', `/${index + 1}\n`);
        expect(foldNamespace(written.ns)).toBe(foldNamespace(recorded.ns));
        expect(written.argv.trim()).toBe(recorded.argv);
        expect(written.ctl).toBe(rank(recorded.ctl));
        expect(written.stdin).toBe(recorded.stdin);
        expect(foldEnvironment(written.env)).toEqual(foldEnvironment(recorded.env));
      }
    });
  }
});

describe('the admin commands against a legacy server', () => {
  for (const name of names.filter((name) => /^x(user|group)set_/.test(name))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const [server] = await startServers(transcript);
      const { command, args } = ourCommand(transcript, [server!.name]);
      const result = await runCommand(command, args);

      expect(server!.crashed).toBeUndefined();
      const recorded = recordedWrites(transcript).node.map((text) =>
        text.replace(/'ssh-rsa .*'/, `'${ROOT.key.line}'`),
      );
      expect(server!.commands).toEqual(recorded);
      expect(result.stdout).toBe(transcript.meta!.stdout);
      const reason = /Error 5: (.*)\n/.exec(transcript.meta!.stderr)?.[1] ?? '';
      expect(result.stderr).toContain(reason);
      if (reason) expect(result.stderr).toContain(server!.name);
      else expect(result.stderr).toBe('');
      expect(result.status).toBe(reason === '' ? 0 : 1);
    });
  }
});

describe('xps against a legacy server', () => {
  for (const name of names.filter((name) => name.startsWith('xps_'))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const [server] = await startServers(transcript);
      const { command, args } = ourCommand(transcript, [server!.name]);
      const result = await runCommand(command, args, {
        env: { XCPU_ADMIN_KEY: keys.admin_key },
      });

      expect(server!.crashed).toBeUndefined();
      expect(result.stderr).toBe('');
      expect(cells(result.stdout)).toEqual(
        cells(transcript.meta!.stdout.replaceAll('127.0.0.1!22101', server!.name)),
      );
      expect(result.status).toBe(0);
    });
  }
});

describe('xk against a legacy server', () => {
  for (const name of names.filter((name) => name.startsWith('xk_'))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const [server] = await startServers(transcript);
      const { sid } = PREPARATIONS[name]?.job ?? {};
      while (sid !== undefined && !server!.sessions[Number(sid)]) server!.newSession('root', '');
      const { command, args } = ourCommand(transcript, [server!.name]);
      const result = await runCommand(command, args);

      expect(server!.crashed).toBeUndefined();
      const recorded = recordedWrites(transcript);
      expect(server!.commands).toEqual(recorded.node);
      const signalled = server!.sessions.map(({ written }) => written.ctl);
      expect(signalled.join('')).toBe(recorded.session.ctl);
      expect(signalled[Number(sid)] ?? '').toBe(recorded.session.ctl);
      expect(result.stdout).toBe('');
      // The historic one says nothing, and exits 0, when the process is not there.
      const missing = name === 'xk_nosuchpid';
      const told = `xk: ${server!.name}: 99999: no such process\n`;
      expect(result.stderr).toBe(missing ? told : '');
      expect(result.status).toBe(missing ? 1 : 0);
    });
  }

  it('signals a session by its program where the administrator may not open it', async () => {
    const transcript = readTranscript('xk_user_jid');
    const [server] = await startServers(transcript);
    while (server!.sessions.length <= 10) server!.newSession('root', '');
    const result = await runCommand('xk', ['-a', keys.admin_key, 'TERM', `${server!.name}:j4/1`]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(server!.commands).toEqual(['kill 15 15\n']);
  });

  it('tells a user that only the administrator reaches what is below a program', async () => {
    const transcript = readTranscript('xk_user_jid');
    const [program] = parseProcessList(recordedProcs(transcript)).filter(({ pid }) => pid === 15);
    const child = { ...program!, pid: 16, ppid: 15 };
    const procs = formatProcessList([child, program!]);
    const [server] = await startServers(transcript, procs);
    while (server!.sessions.length <= 10) server!.newSession('root', '');
    const user = ['--user', 'root', '-k', keys.user_key];
    expect(await runCommand('xk', [...user, '9', `${server!.name}:16`])).toMatchObject({
      status: 1,
      stderr: `xk: ${server!.name}: 16: a legacy node signals no single process of a session for its user: name the job, its program 15, or have the administrator do it\n`,
    });
    expect(server!.sessions[10]!.written.ctl).toBe('');
    expect(await runCommand('xk', [...user, '9', `${server!.name}:15`])).toMatchObject({
      status: 0,
    });
    expect(server!.sessions[10]!.written.ctl).toBe('signal 9\n');
  });
});

describe('xgetent against a legacy server', () => {
  for (const name of names.filter((name) => name.startsWith('xgetent_'))) {
    it(name, async () => {
      const transcript = readTranscript(name);
      const [server] = await startServers(transcript);
      const { command, args } = ourCommand(transcript, [server!.name]);
      const result = await runCommand(command, args);

      expect(server!.crashed).toBeUndefined();
      // The historic one prints its whole buffer, whatever is in it behind the table.
      const [recorded = ''] = transcript.meta!.stdout.split(/Z+\n$/);
      expect(result.stdout).toBe(recorded.replaceAll('127.0.0.1!22101', server!.name));
      expect(result).toMatchObject({ status: transcript.meta!.exit, stderr: '' });
    });
  }
});

describe('xstat against a legacy statfs', () => {
  it('xstat', async () => {
    const { stdout, exit } = readTranscript('xstat').meta!;
    const server = await LegacyServer.start({
      host: '127.0.1.50',
      adminKey: testKey('admin_key').publicKey,
      programs: programFor,
      statfs: stdout,
    });
    servers.push(server);
    const result = await runCommand('xstat', ['-s', server.name, '--raw']);

    expect(result).toMatchObject({ status: exit, stdout, stderr: '' });
    // Historic servers have no file `details`.
    expect(server.refused).toEqual([': file not found']);
    expect(cells((await runCommand('xstat', ['-s', server.name])).stdout)[1]).toEqual([
      ...['n1', 'tcp!127.0.0.1!22501', '/Linux/x86_64', 'up', '0'],
    ]);
  });
});

describe('statfs against a legacy server', () => {
  it('statfs_to_xcpufs', async () => {
    const [server] = await startServers(readTranscript('statfs_to_xcpufs'));
    const nodes = [`n1=${server!.name}`, `n2=127.0.1.51!${await freePort('127.0.1.51')}`];
    const place = { directory, host: '127.0.1.52', adminKey: keys.admin_key };
    const statfs = await Statfs.start({ ...place, nodes, interval: 0.1 });
    try {
      await statfs.shows({ n1: 'up', n2: 'down(disconnected)' });
      server!.newSession('root', '');
      const [, addr = ''] = nodes[0]!.split('=');
      const line = `n1\t${addr}\t/Linux/x86_64\tup\t1\n`;
      await eventually('it counts the session', async () =>
        (await statfs.xstat('--raw', 'n1')).stdout.includes(line),
      );
      expect(server!.refused).toEqual([]);
      expect(server!.crashed).toBeUndefined();
      await server!.stop();
      await statfs.shows({ n1: 'down(disconnected)' });
    } finally {
      await statfs.stop();
    }
  });
});

describe('the list of what comes later', () => {
  it('names transcripts that exist', () => {
    expect(transcriptNames()).toEqual(expect.arrayContaining(Object.keys(LATER)));
  });
});

/** The recorded command line with our files, our nodes, and our spelling of what the recorded shell did around it. */
function ourCommand({ meta }: Transcript, nodes: readonly string[]) {
  const words = meta!.argv.flatMap((word) => recordedShell(word) ?? word);
  const at = words.findIndex((word) => word.startsWith('bin/'));
  const command = words[at]!.slice('bin/'.length);
  let args = words.slice(at + 1).map((word) => {
    const key = /(admin_key|user_key|other_key)(\.pub)?$/.exec(word);
    if (key) return `${keys[key[1] as keyof typeof keys]}${key[2] ?? ''}`;
    if (word.endsWith('games_key')) return keys.user_key;
    return word
      .replace(/^127\.0\.0\.1!\d+,127\.0\.0\.1!\d+$/, nodes.join(','))
      .replace(/^127\.0\.0\.1!\d+(?=$|:)/, nodes[0]!);
  });
  if (command === 'xk' && words[0] === 'unshare') {
    // It ran in a home with nothing but that user's key.
    args.unshift('--user', 'root', '-k', keys.user_key);
  }
  if (command === 'xrx') {
    // `-s ns-cd` gave the historic xrx a namespace program of its own: go to `/`.
    args = args.filter((word) => word !== '-s' && word !== 'ns-cd');
    args.unshift('-l', '--user', words[0] === 'setpriv' ? 'games' : 'root', '-c', '/');
  }
  return { command, args };
}

/** The words of the program that a recorded `sh -c` became. */
function recordedShell(script: string): string[] | undefined {
  return / exec (bin\/.*)$/
    .exec(script)?.[1]
    ?.split(' ')
    .map((word) => word.replaceAll("'", ''));
}

function inputOf(transcript: Transcript): string {
  return recordedWrites(transcript).session.stdin;
}

/** Equal output, node by node where there are several: their order is nobody's promise. */
function expectOutput(
  { name, meta }: Transcript,
  { stdout, stderr }: CommandResult,
  nodes: readonly string[],
): void {
  const ours = (text: string) =>
    text.replaceAll('127.0.0.1!22102', nodes[1]!).replaceAll('127.0.0.1!22101', nodes[0]!);
  if (name === 'xrx_jobid') {
    const fold = (text: string) => ({ ...foldEnvironment(text), XCPUSID: 'SID' });
    expect(fold(stdout)).toEqual(fold(meta!.stdout));
  } else {
    // One dead node does not stop the others: the recorded xrx printed nothing.
    const recorded = name === 'xrx_one_node_down' ? RECORDED_DATE : ours(meta!.stdout);
    expect(lines(stdout)).toEqual(lines(recorded));
  }
  const pattern = STDERR[name];
  if (pattern) {
    const named = stderr.replaceAll(nodes[0]!, 'NODE').replaceAll(nodes[1]!, 'DOWN');
    expect(named).toMatch(pattern);
  } else {
    expect(lines(stderr)).toEqual(lines(ours(meta!.stderr)));
  }
}

function lines(text: string): string[] {
  return text.split('\n').sort();
}

/** A table without its alignment, which is ours; so is the `-` where legacy prints nothing. */
function cells(table: string): string[][] {
  const rows = table.trimEnd().split('\n');
  return rows.map((row) => row.split(/[ \t]+/).filter((cell) => cell !== '' && cell !== '-'));
}
