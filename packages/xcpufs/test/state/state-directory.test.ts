import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacksRoot } from '../../../../test/support/needs.js';
import { StartError } from '../../src/errors.js';
import { StateDirectory } from '../../src/state/state-directory.js';
import { temporaryDirectory } from '../support.js';

const path = () => join(temporaryDirectory(), 'state');

describe('a state directory', () => {
  it('is made if only that is missing, for its owner alone', () => {
    const at = path();
    const directory = new StateDirectory(at);
    expect(statSync(at).mode & 0o777).toBe(0o700);
    expect(directory.load()).toBeUndefined();
    expect(() => new StateDirectory(join(path(), 'deep'))).toThrow(
      /deep: cannot be made: no such file or directory/,
    );
  });

  it('keeps what was saved last, for its owner alone, and nothing beside', async () => {
    const at = path();
    const directory = new StateDirectory(at);
    await directory.save(Buffer.from('one'));
    await directory.save(Buffer.from('two'));
    directory.close();
    expect(readdirSync(at)).toEqual(['state']);
    expect(statSync(join(at, 'state')).mode & 0o777).toBe(0o600);
    expect(new StateDirectory(at).load()?.toString()).toBe('two');
  });

  it('keeps what it had where saving fails, and leaves no half of it', async () => {
    const directory = new StateDirectory(path());
    await directory.save(Buffer.from('one'));
    mkdirSync(`${directory.file}.new`);
    await expect(directory.save(Buffer.from('two'))).rejects.toThrow(/EISDIR/);
    expect(directory.load()?.toString()).toBe('one');
  });

  it('does not follow a link where it writes', async () => {
    const directory = new StateDirectory(path());
    const victim = join(temporaryDirectory(), 'victim');
    writeFileSync(victim, 'whole');
    symlinkSync(victim, `${directory.file}.new`);
    await expect(directory.save(Buffer.from('x'))).rejects.toThrow(/ELOOP/);
    expect(readFileSync(victim, 'utf8')).toBe('whole');
  });

  it('moves what is damaged out of the way, and keeps all of it', async () => {
    const directory = new StateDirectory(path());
    await directory.save(Buffer.from('bad'));
    const aside = directory.setAside(new Date('2001-02-03T04:05:06.789Z'));
    expect(aside).toBe(`${directory.file}.damaged-2001-02-03T04-05-06.789Z`);
    expect(readFileSync(aside, 'utf8')).toBe('bad');
    expect(directory.load()).toBeUndefined();
    expect(() => directory.setAside()).toThrow(StartError);
  });

  it.each([0o720, 0o702, 0o777])('is refused with mode %o: others may write there', (mode) => {
    const at = path();
    mkdirSync(at);
    chmodSync(at, mode);
    expect(() => new StateDirectory(at)).toThrow(`chmod go-w ${at}`);
    expect(readdirSync(at)).toEqual([]);
  });

  it.skipIf(lacksRoot())("is refused where it is somebody else's", () => {
    const at = path();
    mkdirSync(at);
    chownSync(at, 65_534, 0);
    expect(() => new StateDirectory(at)).toThrow(/belongs to user 65534/);
  });

  it('is refused where it is a file, or its state is none', () => {
    const file = path();
    writeFileSync(file, '');
    expect(() => new StateDirectory(file)).toThrow(`${file}: not a directory`);
    const at = path();
    const directory = new StateDirectory(at);
    mkdirSync(directory.file);
    expect(() => directory.load()).toThrow(
      /state: cannot be read: illegal operation on a directory/,
    );
  });

  it('is not the present one where none was named', () => {
    expect(() => new StateDirectory('')).toThrow('--state-dir: the directory is missing');
  });

  it("is one daemon's at a time", () => {
    const at = path();
    const first = new StateDirectory(at);
    expect(() => new StateDirectory(at)).toThrow(
      `${at}: in use by another xcpufs (process ${process.pid})`,
    );
    first.close();
    new StateDirectory(at).close();
    expect(existsSync(join(at, 'lock'))).toBe(false);
  });

  it('is left in order where the link cannot be taken away', () => {
    const at = path();
    const directory = new StateDirectory(at);
    unlinkSync(join(at, 'lock'));
    mkdirSync(join(at, 'lock'));
    expect(() => directory.close()).not.toThrow();
  });

  it.each(['999999999 1', `${process.pid} 1`, 'nonsense'])(
    'is taken over from a daemon that is gone (%s), with what it left half-written',
    (holder) => {
      const at = path();
      mkdirSync(at, { mode: 0o700 });
      symlinkSync(holder, join(at, 'lock'));
      writeFileSync(join(at, 'state.new'), 'half');
      const directory = new StateDirectory(at);
      expect(readdirSync(at)).toEqual(['lock']);
      expect(lstatSync(join(at, 'lock')).isSymbolicLink()).toBe(true);
      directory.close();
    },
  );
});
