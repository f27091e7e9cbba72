import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Log } from '@xcpu/daemon';
import { describe, expect, it } from 'vitest';
import { lacksRoot } from '../../../test/support/needs.js';
import { clearLeftovers, Scratch } from '../src/scratch.js';
import { temporaryDirectory } from './support.js';

describe("the daemon's own directory", () => {
  it('lets users pass, and nobody look; it goes without a trace', async () => {
    const parent = temporaryDirectory();
    const scratch = new Scratch(parent);
    expect(statSync(scratch.directory).mode & 0o777).toBe(0o711);
    expect(statSync(scratch.sessions).mode & 0o777).toBe(0o711);
    expect(statSync(scratch.trash).mode & 0o777).toBe(0o700);
    mkdirSync(join(scratch.sessions, '1', 'fs'), { recursive: true });
    await scratch.remove();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('must be made where that is possible', () => {
    expect(() => new Scratch('/nonexistent')).toThrow(
      '/nonexistent: cannot make a directory there',
    );
  });
});

describe('what an earlier run left behind', () => {
  it('is cleared when that run crashed', async () => {
    const { parent, log, lines } = setUp();
    const directory = leftover(parent, { started: '1' });
    mkdirSync(join(directory, 'sessions', '1', 'fs'), { recursive: true });
    const outside = join(parent, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), '');
    symlinkSync(outside, join(directory, 'sessions', '1', 'fs', 'link'));
    mkdirSync(join(directory, 'trash', 'half', 'removed'), { recursive: true });
    await clearLeftovers(parent, log);
    expect(existsSync(directory)).toBe(false);
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(lines.join('')).toContain('cleared after a crash');
  });

  it('is cleared although another process has its number by now', async () => {
    const { parent, log } = setUp();
    const directory = leftover(parent, { pid: process.pid, started: '1' });
    await clearLeftovers(parent, log);
    expect(existsSync(directory)).toBe(false);
  });

  it('is left alone while that run goes on', async () => {
    const { parent, log } = setUp();
    const scratch = new Scratch(parent);
    await clearLeftovers(parent, log);
    expect(existsSync(scratch.directory)).toBe(true);
    await scratch.remove();
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"pid":1}',
    '{"pid":"1","started":"1","instance":"../..","cgroup":""}',
  ])('is left alone where its record is %j', async (record) => {
    const { parent, log } = setUp();
    const directory = join(parent, 'xcpufs-damaged');
    mkdirSync(directory);
    writeFileSync(join(directory, 'daemon.json'), record);
    await clearLeftovers(parent, log);
    expect(readFileSync(join(directory, 'daemon.json'), 'utf8')).toBe(record);
  });

  it('is left alone where it is no directory, or a link to one', async () => {
    const { parent, log } = setUp();
    const elsewhere = temporaryDirectory();
    const target = leftover(elsewhere, { started: '1' });
    symlinkSync(target, join(parent, 'xcpufs-link'));
    writeFileSync(join(parent, 'xcpufs-file'), '');
    await clearLeftovers(parent, log);
    expect(existsSync(join(target, 'daemon.json'))).toBe(true);
    expect(readdirSync(parent).sort()).toEqual(['xcpufs-file', 'xcpufs-link']);
  });

  it.skipIf(lacksRoot())("is left alone where it is somebody else's", async () => {
    const { parent, log } = setUp();
    const directory = leftover(parent, { started: '1' });
    chownSync(directory, 41_001, 41_001);
    await clearLeftovers(parent, log);
    expect(existsSync(join(directory, 'daemon.json'))).toBe(true);
  });
});

function setUp() {
  const lines: string[] = [];
  const log = new Log(false, (line) => lines.push(line));
  return { parent: temporaryDirectory(), lines, log };
}

/** What a daemon that was killed leaves; its process number is one that none can have. */
function leftover(parent: string, changes: { pid?: number; started: string }): string {
  const directory = join(parent, 'xcpufs-left');
  mkdirSync(join(directory, 'sessions'), { recursive: true });
  mkdirSync(join(directory, 'trash'));
  const record = { pid: 4_194_305, instance: '0'.repeat(32), cgroup: '', ...changes };
  writeFileSync(join(directory, 'daemon.json'), JSON.stringify(record));
  return directory;
}
