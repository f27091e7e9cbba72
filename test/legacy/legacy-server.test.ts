import { OpenMode } from '@xcpu/9p-protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { login, type NodeLogin } from '../support/client.js';
import { testKey } from '../support/keys.js';
import { compare } from './compare.js';
import { LegacyServer } from './legacy-server.js';
import {
  keyOf,
  PREPARATIONS,
  type Preparation,
  preparationCommands,
  ROOT,
} from './preparations.js';
import { programFor } from './programs.js';
import { replay } from './replay.js';
import { readTranscript, recordedProcs, transcriptNames } from './transcripts.js';

/** Runs of commands that the scripted server is not needed for yet. */
const NOT_SIMULATED = /^(xk_|xgetent_|.*_treespawn_)/;

let running: LegacyServer | undefined;
afterEach(() => running?.stop());

async function start(preparation: Preparation, procs = '', statfs?: string) {
  const server = await LegacyServer.start({
    host: '127.0.1.50',
    adminKey: testKey('admin_key').publicKey,
    procs,
    programs: programFor,
    ...(statfs !== undefined && { statfs }),
  });
  running = server;
  for (const command of preparationCommands(preparation)) server.users.write(`${command}\n`);
  const [host = '', port = ''] = server.name.split('!');
  return { server, node: { host, port: Number(port) } };
}

describe('the scripted legacy server', () => {
  for (const name of transcriptNames().filter((name) => !NOT_SIMULATED.test(name))) {
    it(`answers as the historic one did: ${name}`, async () => {
      const transcript = readTranscript(name);
      const procs = recordedProcs(transcript);
      const statfs = name === 'xstat' ? transcript.meta!.stdout : undefined;
      const { server, node } = await start(PREPARATIONS[name] ?? {}, procs, statfs);
      const sessions = new Map([['7', '7']]);
      const options = { key: keyOf(transcript), userKey: ROOT.key, sessions, pids: new Map() };
      const exchanges = await replay(transcript, node, options);
      expect(compare(name, exchanges, sessions)).toEqual([]);
      expect(server.crashed).toBeUndefined();
    });
  }

  it('knows no fid before the request that makes it was answered', async () => {
    await using user = await loggedIn();
    await expect(user.root.walkOpen('arch', OpenMode.READ)).rejects.toThrow('unknown fid');
    expect(await user.text('arch')).toBe('/Linux/x86_64');
  });

  it('refuses counts above msize less a header', async () => {
    await using user = await loggedIn();
    const arch = await user.open('arch');
    expect(user.client.msize).toBe(32_792);
    await expect(arch.read(0, 32_769)).rejects.toThrow('i/o count too large');
  });

  it('never recovers from a ctl command that failed or was not finished', async () => {
    await using user = await loggedIn();
    const session = await user.newSession();
    await expect(session.ctl('bogus')).rejects.toThrow('unknown command');
    await expect(session.ctl('id a/1')).rejects.toThrow('unknown command');
    const other = await user.newSession();
    await other.write('ctl', 'id a');
    await expect(other.ctl('close stdin')).resolves.toBeUndefined();
    expect(await other.text('id')).toBe('aclose');
  });

  it('keeps the tail of ns', async () => {
    await using user = await loggedIn();
    const session = await user.newSession();
    await session.write('ns', 'cd /\n', OpenMode.WRITE | OpenMode.TRUNCATE);
    expect(await session.text('ns')).toMatch(/^cd \/\nre\nimport /);
  });

  it('gives output to those who wait and forgets it', async () => {
    await using user = await loggedIn();
    const session = await user.newSession();
    const [first, second] = [await session.open('stdout'), await session.open('stdout')];
    const waiting = [first.read(0, 100), second.read(0, 100)];
    await session.start(['/bin/date'], { ns: `cd${' '.repeat(1000)}/\n` });
    const texts = (await Promise.all(waiting)).map(String);
    expect(texts[0]).toMatch(/2026/);
    expect(texts[1]).toBe(texts[0]);
    expect(await session.text('stdout')).toBe('');
  });

  it('crashes where the historic one did', async () => {
    await using user = await loggedIn();
    const session = await user.newSession();
    await expect(session.write('ctl', '\n')).rejects.toThrow();
    expect(running?.crashed).toBe('empty ctl line');
  });
});

async function loggedIn(): Promise<NodeLogin> {
  const { node } = await start({});
  return login(node, { uname: ROOT.name, key: ROOT.key, nUname: ROOT.uid });
}
