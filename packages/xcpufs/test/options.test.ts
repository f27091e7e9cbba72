import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { parseOptions } from '../src/options.js';
import { temporaryDirectory } from './support.js';

let stdout: MockInstance;
let stderr: MockInstance;
beforeEach(() => {
  stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

describe('the command line', () => {
  it('has a default for everything', () => {
    expect(optionsOf([])).toMatchObject({
      port: 6668,
      listen: undefined,
      adminKey: '/etc/xcpu/admin_key.pub',
      adminKeyNeeded: false,
      stateDir: undefined,
      sameUser: false,
      localUsers: false,
      msize: undefined,
      allowMount: [],
      debug: false,
      logJson: false,
    });
  });

  it('takes every option', () => {
    const argv =
      '--allow-mount nfs,tmpfs -p 7000 --listen 127.0.1.8 -a k.pub -t /t --state-dir /s -s -u -m 8192 -d --log-json'.split(
        ' ',
      );
    expect(optionsOf(argv)).toMatchObject({
      port: 7000,
      listen: '127.0.1.8',
      adminKey: 'k.pub',
      adminKeyNeeded: true,
      tmpdir: '/t',
      stateDir: '/s',
      sameUser: true,
      localUsers: true,
      msize: 8192,
      allowMount: ['nfs', 'tmpfs'],
      debug: true,
      logJson: true,
    });
  });

  it.each([
    ['-p', '65536'],
    ['-p', 'ssh'],
    ['-p', '-1'],
    ['-m', '4095'],
    ['-m', '67108865'],
    ['--nonsense'],
    ['operand'],
    ['-p'],
    ['--allow-mount', ''],
    ['--allow-mount', 'nfs,'],
    ['--allow-mount', 'nfs,auto'],
    ['--allow-mount', 'fuse.sshfs'],
    ['--allow-mount', 'nonfs'],
    ['--allow-mount', '-o'],
  ])('ends with 2 and a hint for %s %s', (...argv: string[]) => {
    expect(parseOptions(argv.filter(Boolean), '1.2.3')).toEqual({ exitCode: 2 });
    const told = stderr.mock.calls.join('');
    expect(told).toMatch(/^xcpufs: /);
    expect(told).toContain('xcpufs -h');
  });

  it('shows help with an example, and its version', () => {
    expect(parseOptions(['-h'], '1.2.3')).toEqual({ exitCode: 0 });
    expect(stdout.mock.calls.join('')).toMatch(/Example:[\s\S]*xcpufs -a/);
    expect(parseOptions(['-V'], '1.2.3')).toEqual({ exitCode: 0 });
    expect(stdout.mock.calls.join('')).toContain('xcpufs 1.2.3\n');
  });
});

describe('the configuration file', () => {
  it('gives options by their long names, the command line wins', () => {
    const file = config(
      '# a node\nport = 7000\nlisten=127.0.1.9 # here\n\nsame-user = yes\ndebug=no\n',
    );
    expect(optionsOf(['--config', file, '-p', '7001'])).toMatchObject({
      port: 7001,
      listen: '127.0.1.9',
      sameUser: true,
      debug: false,
    });
  });

  it('is refused with all that is wrong in it', () => {
    const file = config(
      'port = many\nnonsense = 1\nsame-user = perhaps\nport\n__proto__ = 1\nmsize = 1\n',
    );
    expect(() => parseOptions(['--config', file], '1')).toThrow(
      [
        `${file}:1: "many" is not a port (0 to 65535)`,
        `${file}:2: nonsense: no such option (port, listen, admin-key, tmpdir, state-dir, same-user, local-users, mount, allow-mount, msize, debug, log-json)`,
        `${file}:3: "perhaps": expected yes or no`,
        `${file}:4: "port": expected name = value`,
        `${file}:5: "__proto__ = 1": expected name = value`,
        `${file}:6: "1" is not between 4096 and 67108864`,
      ].join('\n'),
    );
  });

  it('must be there', () => {
    const missing = join(temporaryDirectory(), 'none');
    expect(() => parseOptions(['--config', missing], '1')).toThrow(`${missing}: cannot be read`);
  });
});

function optionsOf(argv: readonly string[]) {
  const parsed = parseOptions(argv, '1.2.3');
  if (!('options' in parsed)) throw new Error(`exit code ${parsed.exitCode}`);
  return parsed.options;
}

function config(text: string): string {
  const file = join(temporaryDirectory(), 'xcpufs.conf');
  writeFileSync(file, text);
  return file;
}
