import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dialect, dial } from '@xcpu/9p-protocol';
import { type FileSystem, mount } from '@xcpu/9p-protocol/client';
import { afterEach, describe, expect, it } from 'vitest';
import { ROOT } from '../support/guide.js';
import { Program } from '../support/program.js';

const dialects: readonly Dialect[] = ['9P2000', '9P2000.u', '9P2000.L'];
const programs: Program[] = [];

afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

/** Starts an example, which says where it listens when it does. */
async function start(example: string, ...args: string[]): Promise<Program> {
  const program = new Program(join(ROOT, 'examples', example), args);
  programs.push(program);
  await program.prints(/ at 127\./);
  return program;
}

async function reach(address: string, version: Dialect = '9P2000.L'): Promise<FileSystem> {
  return mount(await dial(address), { version });
}

describe('examples/counter.mjs', () => {
  const address = 'tcp!127.0.103.1!5640';

  it('counts what is read in any dialect, and is set by writing', async () => {
    await start('counter.mjs', address);
    for (const version of dialects) {
      const files = await reach(address, version);
      await files.writeFile('counter', '41\n');
      expect(await files.readFile('counter', 'utf8')).toBe('41\n');
      expect(await files.readFile('counter', 'utf8')).toBe('42\n');
      await files.truncate('counter');
      await expect(files.writeFile('counter', 'many')).rejects.toThrow('counter: ');
      expect(await files.readFile('counter', 'utf8')).toBe('43\n');
      files.close();
    }
  });
});

describe('examples/json-tree.mjs', () => {
  const address = 'tcp!127.0.103.2!5640';
  const document = {
    name: 'n8',
    cores: 64,
    disks: [{ size: 1.5, 'read/write': true }, { size: 2 }],
    '..': null,
  };

  it('shows a document as files, and saves what is written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'json-'));
    const file = join(folder, 'node.json');
    await writeFile(file, JSON.stringify(document));
    await start('json-tree.mjs', file, address);
    const files = await reach(address);
    const names = async (path: string) => (await files.readdir(path)).map(({ name }) => name);
    expect(await names('/')).toEqual(['name', 'cores', 'disks', '%2E2E']);
    expect(await names('disks/0')).toEqual(['size', 'read%2Fwrite']);
    expect(await files.readFile('name', 'utf8')).toBe('n8\n');
    expect(await files.readFile('disks/0/read%2Fwrite', 'utf8')).toBe('true\n');

    await files.writeFile('cores', '128');
    await files.writeFile('name', 'node 8\n');
    await files.writeFile('disks/1/size', '.25\n', { flag: 'a' });
    await expect(files.writeFile('name', 'x'.repeat(70_000))).rejects.toThrow('name: ');
    await files.writeFile('name', 'node 8\n');
    expect((await files.stat('name')).size).toBe(7);
    files.close();

    const disks = [document.disks[0], { size: '2\n.25' }];
    const saved = JSON.parse(await readFile(file, 'utf8'));
    expect(saved).toEqual({ ...document, name: 'node 8', cores: 128, disks });
    await rm(folder, { recursive: true });
  });
});

describe('examples/logging-proxy.mjs', () => {
  const behind = 'tcp!127.0.103.3!5640';
  const address = 'tcp!127.0.103.3!5641';

  it('logs every message of every dialect, and passes on what is said', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'json-'));
    const file = join(folder, 'one.json');
    const text = 'ä\u0000\u001b'.repeat(8000);
    await writeFile(file, JSON.stringify({ text: '' }));
    await start('json-tree.mjs', file, behind);
    const proxy = await start('logging-proxy.mjs', address, behind);
    for (const version of dialects) {
      const files = await reach(address, version);
      await files.writeFile('text', text);
      expect(await files.readFile('text', 'utf8')).toBe(text);
      await expect(files.stat('nothing')).rejects.toThrow('nothing: ');
      files.close();
      await files.closed;
    }
    const output = await proxy.prints('ecode 2\n');
    for (const version of dialects) {
      expect(output).toMatch(new RegExp(`→ Tversion tag 65535 .* version "${version}"\n`));
      expect(output).toMatch(new RegExp(`← Rversion tag 65535 .* version "${version}"\n`));
    }
    expect(output.match(/→ Twrite .*32000 bytes/g)).toHaveLength(3);
    expect(output.match(/→ Topen /g)).toHaveLength(4);
    expect(output.match(/→ Tlopen /g)).toHaveLength(2);
    expect(output).toMatch(/← Rerror tag \d+ ename "file not found"/);
    expect(output).toMatch(/← Rlerror tag \d+ ecode 2\n/);
    await rm(folder, { recursive: true });
  });

  it('hangs up where there is no server', async () => {
    const proxy = await start('logging-proxy.mjs', address, behind);
    await expect(reach(address)).rejects.toThrow('connection');
    await proxy.prints(/ECONNREFUSED/);
  });
});
