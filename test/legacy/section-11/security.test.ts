import { mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ModeBit, NOFID, OpenMode } from '@xcpu/9p-protocol';
import { attach } from '@xcpu/9p-protocol/client';
import { decryptPasskey } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachAs, connect, login } from '../../support/client.js';
import { ALICE, BOB, Cluster } from '../../support/cluster.js';
import { startCommand } from '../../support/command.js';
import { testKey } from '../../support/keys.js';
import { lacksRoot } from '../../support/needs.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start(1, { users: [ALICE, BOB], strayDescriptor: 40 });
});
afterAll(() => cluster?.stop());

describe('whoever has no key gets nothing', () => {
  for (const [what, who] of [
    ['nobody by name', { uname: 'nobody' }],
    ['nobody by number', { uname: 'nobody', nUname: 9999 }],
    ['an unknown user', { uname: 'mallory' }],
    ['a user with a key who does not show it', { uname: ALICE.name, nUname: ALICE.uid }],
    ['the administrator without a proof', { uname: 'xcpu-admin' }],
    ['no name at all', { uname: '' }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const client = await connect(cluster.node);
      await expect(attach(client, who)).rejects.toMatchObject({ errno: 5 });
      client.close();
    });
  }

  it('does not let nobody authenticate with any key', async () => {
    for (const key of [testKey('other_key'), ALICE.key]) {
      await expect(login(cluster.node, { uname: 'nobody', key })).rejects.toThrow(
        /unknown user|authentication failed/,
      );
    }
  });

  it('does not take a fid that is no afid for a proof', async () => {
    await using alice = await cluster.user(ALICE);
    const { client, root } = alice;
    const refused = client.request({
      type: 104,
      fid: client.takeFid(),
      afid: root.number,
      uname: BOB.name,
      aname: '',
      nUname: BOB.uid,
    });
    await expect(refused).rejects.toThrow();
    expect(NOFID).not.toBe(root.number);
  });

  it("does not take one user's proof for another's", async () => {
    const client = await connect(cluster.node);
    const who = { uname: BOB.name, nUname: BOB.uid };
    await expect(attachAs(client, { ...who, key: ALICE.key })).rejects.toThrow(
      'authentication failed',
    );
    client.close();
  });
});

describe.skipIf(lacksRoot())('the uid is dropped', () => {
  it("runs with the user's uid, default gid and all groups, real, effective and saved", async () => {
    await using alice = await cluster.user(ALICE);
    const { stdout } = await alice.run(['/bin/cat', '/proc/self/status']);
    const field = (name: string) =>
      new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(stdout)?.[1]?.split(/\s+/);
    expect(field('Uid')).toEqual(Array(4).fill(String(ALICE.uid)));
    expect(field('Gid')).toEqual(Array(4).fill(String(ALICE.gid)));
    const groups = [ALICE.gid, ...Object.values(ALICE.groups)].map(String);
    expect(field('Groups')?.sort()).toEqual(groups.sort());
    expect(field('CapEff')).toEqual(['0000000000000000']);
    expect(field('CapPrm')).toEqual(['0000000000000000']);
  });

  it("starts the program with nothing of the daemon's", async () => {
    await using alice = await cluster.user(ALICE);
    const { stdout } = await alice.run(['/bin/cat', '/proc/self/status']);
    expect(stdout).toMatch(/^SigBlk:\s*0+$/m);
    expect(stdout).toMatch(/^SigIgn:\s*0+$/m);
    const listed = await alice.run(['/bin/ls', '-1', '/proc/self/fd']);
    // ls itself opens the directory.
    expect(listed.stdout).toBe('0\n1\n2\n3\n');
    const links = await alice.run(['/bin/ls', '-l', '/proc/self/fd']);
    expect(links.stdout).not.toMatch(/socket:/);
  });

  it('lets the program open its own /dev/stdout and /dev/stderr', async () => {
    await using alice = await cluster.user(ALICE);
    const script = 'echo out >/dev/stdout; echo err >/dev/stderr';
    const result = await alice.run(['/bin/sh', '-c', script]);
    expect(result).toEqual({ status: { exitCode: 0 }, stdout: 'out\n', stderr: 'err\n' });
  });
});

describe('passkeys', () => {
  async function passkey(): Promise<string> {
    await using alice = await cluster.user(ALICE);
    return decryptPasskey(await alice.bytes('passkey'), ALICE.key);
  }

  it('let nothing else authenticate while one is outstanding', async () => {
    await passkey();
    const who = { uname: ALICE.name, nUname: ALICE.uid };
    for (const proof of [
      Buffer.alloc(20),
      Buffer.alloc(20, 0xff),
      Buffer.alloc(256),
      Buffer.of(),
    ]) {
      await expect(login(cluster.node, { ...who, proof })).rejects.toThrow('authentication failed');
    }
  });

  it('work once, and for their user only', async () => {
    const given = await passkey();
    const bob = { uname: BOB.name, nUname: BOB.uid, passkey: given };
    await expect(login(cluster.node, bob)).rejects.toThrow('authentication failed');
    const alice = { uname: ALICE.name, nUname: ALICE.uid, passkey: given };
    const first = await login(cluster.node, alice);
    expect(await first.text('arch')).toMatch(/^\/Linux\//);
    first.close();
    await expect(login(cluster.node, alice)).rejects.toThrow('authentication failed');
  });

  it('have bytes of all values', async () => {
    const bytes = new Set<number>();
    for (let made = 0; made < 12; made++) {
      for (const byte of Buffer.from(await passkey(), 'hex')) bytes.add(byte);
    }
    const high = [...bytes].filter((byte) => byte >= 0x80);
    expect(high.length).toBeGreaterThan(20);
  });

  it('are made by a read at the beginning only', async () => {
    await using alice = await cluster.user(ALICE);
    const fid = await alice.open('passkey');
    const cipher = await fid.read(0, 4095);
    expect(cipher).toHaveLength(256);
    expect(await fid.read(256, 3839)).toHaveLength(0);
  });
});

describe("the client's files", () => {
  it('are not offered to the network while a job runs', async () => {
    const { privateFile } = await cluster.writeUserKey(ALICE);
    const args = ['--user', ALICE.name, '-k', privateFile, cluster.node.name];
    const xrx = startCommand('xrx', [...args, '/bin/sh', '-c', 'echo up; exec sleep 60']);
    try {
      await xrx.printed('up');
      expect(await listeningSockets(xrx.child.pid!)).toEqual([]);
    } finally {
      xrx.child.kill('SIGKILL');
      await xrx.result;
    }
  });

  it('are looked for in the right place', async () => {
    expect(await listeningSockets(cluster.node.pid)).toHaveLength(1);
  });
});

describe('wstat and remove', () => {
  it('let no user change the owner or mode of clone', async () => {
    await using alice = await cluster.user(ALICE);
    const clone = await alice.root.walk('clone');
    const before = await clone.stat();
    for (const change of [
      { uid: ALICE.name },
      { gid: ALICE.group },
      { nUid: ALICE.uid },
      { mode: 0o777 },
      { name: 'mine' },
    ]) {
      await expect(clone.wstat(change), JSON.stringify(change)).rejects.toMatchObject({ errno: 1 });
    }
    expect(await clone.stat()).toMatchObject({ uid: before.uid, mode: before.mode });
  });

  it("let no user take another's session", async () => {
    await using alice = await cluster.user(ALICE);
    await using bob = await cluster.user(BOB);
    const session = await alice.newSession();
    const directory = await bob.root.walk(session.sid);
    await expect(directory.wstat({ uid: BOB.name })).rejects.toThrow();
    await expect(session.open('ctl')).resolves.toBeDefined();
    for (const file of [
      'ctl',
      'argv',
      'env',
      'ns',
      'stdin',
      'stdout',
      'stderr',
      'fs',
      'id',
      'term',
    ]) {
      await expect(bob.open(session.path(file)), file).rejects.toThrow('permission denied');
    }
    await expect(bob.open(session.path('ctl'), OpenMode.WRITE)).rejects.toMatchObject({ errno: 1 });
  });

  it('do not take fs from under a running session', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    await expect((await alice.root.walk(session.path('fs'))).remove()).rejects.toThrow();
    const fs = await alice.root.walk(session.path('fs'));
    await expect(fs.create('still', 0o644, OpenMode.WRITE)).resolves.toBeDefined();
    await expect((await alice.root.walk(session.sid)).remove()).rejects.toThrow();
    await expect((await alice.root.walk(session.path('ctl'))).remove()).rejects.toMatchObject({
      errno: 1,
    });
    expect(await session.text('id')).toBe('/0');
  });
});

describe.skipIf(lacksRoot())('fs/', () => {
  it('is not left through a symbolic link', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'xcpu-outside-'));
    try {
      await writeFile(join(outside, 'secret'), 'secret\n', { mode: 0o600 });
      await using alice = await cluster.user(ALICE);
      const session = await alice.newSession();
      const marker = await alice.root.walk(session.path('fs'));
      await marker.create('marker', 0o644, OpenMode.WRITE);
      const fs = dirname(await find(cluster.node.temporary, 'marker'));
      await symlink(outside, join(fs, 'link'));
      await symlink(join(outside, 'secret'), join(fs, 'file'));
      await symlink(join(outside, 'made'), join(fs, 'dangling'));

      await expect(session.text('fs/link/secret')).rejects.toThrow();
      await expect(session.text('fs/file')).rejects.toThrow();
      const truncate = OpenMode.WRITE | OpenMode.TRUNCATE;
      await expect(session.write('fs/file', 'gone', truncate)).rejects.toThrow();
      await expect(session.write('fs/dangling', 'made', truncate)).rejects.toThrow();
      const inLink = async () => {
        const link = await alice.root.walk(session.path('fs/link'));
        await link.create('made', 0o644, OpenMode.WRITE);
      };
      await expect(inLink()).rejects.toThrow();
      const link = await alice.root.walk(session.path('fs/link')).catch(() => undefined);
      await link?.wstat({ mode: 0o777 }).catch(() => {});

      expect(await readdir(outside)).toEqual(['secret']);
      expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret\n');
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it('makes no devices and no set-uid programs of root', async () => {
    await using alice = await cluster.user(ALICE);
    const session = await alice.newSession();
    const device = await alice.root.walk(session.path('fs'));
    const made = device.create('null', ModeBit.DEVICE | 0o666, OpenMode.READ, {
      extension: 'c 1 3',
    });
    await expect(made).rejects.toThrow();
    const file = await alice.root.walk(session.path('fs'));
    await file.create('tool', 0o755, OpenMode.WRITE);
    const { nUid } = await (await alice.root.walk(session.path('fs/tool'))).stat();
    expect(nUid).toBe(ALICE.uid);
  });
});

/** The addresses on which a process listens, as /proc/net/tcp has them. */
async function listeningSockets(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(
    descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
  );
  const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')),
  );
  const LISTEN = '0A';
  const rows = tables.flatMap((table) => table.split('\n').slice(1));
  const words = rows.map((row) => row.trim().split(/\s+/));
  return words.filter((row) => row[3] === LISTEN && inodes.has(row[9])).map((row) => row[1]!);
}

/** The path of the file with that name somewhere below a directory. */
async function find(directory: string, name: string): Promise<string> {
  const paths = await readdir(directory, { recursive: true });
  const path = paths.find((path) => path.split('/').at(-1) === name);
  if (!path) throw new Error(`${name} is nowhere below ${directory}`);
  return join(directory, path);
}
