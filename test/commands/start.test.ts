import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CommandResult, runCommand } from '../support/command.js';

/** Nobody listens there; what is wanted is a run that does something and ends by itself. */
const ARGUMENTS = ['127.0.1.250!1'];
const isRoot = process.getuid?.() === 0;
const REFUSED = /^xps: 127\.0\.1\.250!1: connection refused/;

describe('the compiled code that a command keeps', () => {
  let home: string;
  const run = (env: Readonly<Record<string, string>> = {}): Promise<CommandResult> =>
    runCommand('xps', ARGUMENTS, { env: { XDG_CACHE_HOME: home, ...env } });
  const folder = () => join(home, 'xcpu');
  const kept = () => {
    const [name, ...others] = readdirSync(folder());
    expect(others).toEqual([]);
    return join(folder(), name!);
  };

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'xcpu-cache-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  test('is its user’s alone, and left as it is by the next run', async () => {
    expect((await run()).stderr).toMatch(REFUSED);
    const first = statSync(kept());
    expect(first.mode & 0o777).toBe(0o600);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    const again = await run();
    expect(again.stderr).toMatch(REFUSED);
    expect(again.status).toBe(1);
    expect(statSync(kept()).ino).toBe(first.ino);
  });

  test.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['changed in one bit', flipped],
  ])('is made anew where it is %s', async (_, damage) => {
    await run();
    const whole = readFileSync(kept()).length;
    writeFileSync(kept(), damage(readFileSync(kept())));
    const { ino } = statSync(kept());
    expect((await run()).stderr).toMatch(REFUSED);
    expect(statSync(kept()).ino).not.toBe(ino);
    expect(readFileSync(kept()).length).toBeGreaterThan(whole / 2);
  });

  test('is not run where others could have written it', async () => {
    await run();
    chmodSync(kept(), 0o622);
    const { ino } = statSync(kept());
    expect((await run()).stderr).toMatch(REFUSED);
    expect(statSync(kept()).ino).not.toBe(ino);
    expect(statSync(kept()).mode & 0o777).toBe(0o600);
  });

  test('is neither taken from nor put into a folder that is a link, or another’s', async () => {
    await run();
    const { ino } = statSync(kept());
    const elsewhere = join(home, 'elsewhere');
    renameSync(folder(), elsewhere);
    symlinkSync(elsewhere, folder());
    writeFileSync(kept(), flipped(readFileSync(kept())));
    expect((await run()).stderr).toMatch(REFUSED);
    expect(statSync(kept()).ino).toBe(ino);
    rmSync(folder());
    renameSync(elsewhere, folder());
    chmodSync(folder(), 0o777);
    expect((await run()).stderr).toMatch(REFUSED);
    expect(statSync(kept()).ino).toBe(ino);
  });

  test('is not taken from what a link leads to, nor from a FIFO', async () => {
    await run();
    const [file, target] = [kept(), join(home, 'target')];
    renameSync(file, target);
    symlinkSync(target, file);
    expect((await run()).stderr).toMatch(REFUSED);
    expect(lstatSync(file).isFile()).toBe(true);
    rmSync(file);
    execFileSync('mkfifo', ['-m', '600', file]);
    expect((await run()).stderr).toMatch(REFUSED);
    expect(lstatSync(file).isFile()).toBe(true);
  });

  test('of another command is not taken for its own', async () => {
    await run();
    await runCommand('xgroupset', [...ARGUMENTS, 'staff', '5000'], {
      env: { XDG_CACHE_HOME: home },
    });
    const of = (command: string) =>
      join(folder(), readdirSync(folder()).find((name) => name.startsWith(`${command}-`))!);
    copyFileSync(of('xgroupset'), of('xps'));
    expect((await run()).stderr).toMatch(REFUSED);
    expect(readFileSync(of('xps'))).not.toEqual(readFileSync(of('xgroupset')));
  });

  test('is done without where it cannot be written, or is not wanted', async () => {
    const nowhere = await run({ XDG_CACHE_HOME: '/proc/nowhere' });
    expect(nowhere.stderr).toMatch(REFUSED);
    // As who becomes another user and keeps his predecessor's home.
    chmodSync(home, 0o700);
    const foreign = await runCommand('xps', ARGUMENTS, {
      env: { XDG_CACHE_HOME: home },
      ...(isRoot && { uid: 65_534 }),
    });
    expect(foreign.stderr).toMatch(REFUSED);
    rmSync(folder(), { recursive: true, force: true });
    const unwanted = await run({ NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(unwanted.stderr).toMatch(REFUSED);
    expect(readdirSync(home)).toEqual([]);
  });
});

function flipped(bytes: Buffer): Buffer {
  const middle = bytes.length >> 1;
  bytes[middle] = bytes[middle]! ^ 1;
  return bytes;
}
