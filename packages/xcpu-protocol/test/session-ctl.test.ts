import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatSessionCommand,
  parseSessionCommand,
  type SessionCommand,
  XcpuFormatError,
} from '../src/index.js';

const PASSKEY = '00112233445566778899aabbccddeeff';

describe('parseSessionCommand', () => {
  it.each<[string, SessionCommand]>([
    ['exec /bin/date', { command: 'exec', program: '/bin/date' }],
    ["exec 'my program'", { command: 'exec', program: 'my program' }],
    ['wipe', { command: 'wipe' }],
    [' signal\tSIGTERM ', { command: 'signal', signal: 15 }],
    ['signal 15', { command: 'signal', signal: 15 }],
    ['signal TERM 4711', { command: 'signal', signal: 15, pid: 4711 }],
    ['close stdin', { command: 'close', stream: 'stdin' }],
    ['redirect stdout out.txt', { command: 'redirect', stream: 'stdout', file: 'out.txt' }],
    ['id /1', { command: 'id', rank: 1 }],
    ['id myjob/1', { command: 'id', jobid: 'myjob', rank: 1 }],
    ['id myjob', { command: 'id', jobid: 'myjob' }],
    ['type persistent', { command: 'type', type: 'persistent' }],
    [
      'connect 127.0.0.1!6668/12',
      { command: 'connect', address: { host: '127.0.0.1', port: 6668 }, sid: '12' },
    ],
    [
      `connect n8/3/fs:${PASSKEY}`,
      { command: 'connect', address: { host: 'n8' }, sid: '3', path: 'fs', passkey: PASSKEY },
    ],
    [
      `connect fd00::2!7/3:${PASSKEY}`,
      { command: 'connect', address: { host: 'fd00::2', port: 7 }, sid: '3', passkey: PASSKEY },
    ],
    ["argv echo 'a b' ''", { command: 'argv', args: ['echo', 'a b', ''] }],
    [
      "env A=1 'B=two words' C=",
      {
        command: 'env',
        entries: [
          ['A', '1'],
          ['B', 'two words'],
          ['C', ''],
        ],
      },
    ],
    ["ns 'cd /tmp' 'cd x'", { command: 'ns', lines: ['cd /tmp', 'cd x'] }],
    ['ns', { command: 'ns', lines: [] }],
  ])('reads %j', (line, command) => {
    expect(parseSessionCommand(line)).toEqual(command);
  });

  it.each([
    ['', 'unknown command'],
    ['frobnicate', 'unknown command'],
    ['constructor', 'unknown command'],
    ['EXEC a', 'unknown command'],
    ['exec', 'too few arguments'],
    ['argv', 'too few arguments'],
    ['env', 'too few arguments'],
    ['env A=1 B', 'invalid environment entry "B": expected NAME=value'],
    ['env =1', 'invalid environment entry "=1": expected NAME=value'],
    ["ns 'a\0'", 'invalid argument'],
    ['connect', 'too few arguments'],
    ['redirect stdin', 'too few arguments'],
    ['signal', 'argument expected'],
    ['close', 'argument expected'],
    ['id', 'argument expected'],
    ['type', 'argument expected'],
    ['exec a b', 'syntax error'],
    ['wipe now', 'syntax error'],
    ["exec ''", 'invalid argument'],
    ["redirect stdin ''", 'invalid argument'],
    ['redirect stdio f', 'invalid argument'],
    ['close stdio', 'invalid argument'],
    ['type eternal', 'invalid session type'],
    ['signal SIGFOO', 'unsupported signal'],
    ['signal 9 0', 'invalid pid'],
    ['signal 9 -1', 'invalid pid'],
    ['signal 9 12 13', 'syntax error'],
    ['id a/b', 'syntax error'],
    ['id a/-1', 'negative id not permitted'],
    ['connect n8', 'syntax error'],
    ['connect n8/x', 'syntax error'],
    ['connect n8/1:abc', 'syntax error'],
    [`connect n8/1:${PASSKEY.toUpperCase()}`, 'syntax error'],
    ['connect n8/1/../2', 'syntax error'],
    ['connect n8/1/fs/', 'syntax error'],
    ['connect n8/1/a//b', 'syntax error'],
    ["exec 'a", 'unterminated quote'],
  ])('refuses %j', (line, message) => {
    expect(() => parseSessionCommand(line)).toThrow(new XcpuFormatError(message));
  });

  it('names the faulty address of a connect', () => {
    expect(() => parseSessionCommand('connect n8!0/1')).toThrow('invalid address "n8!0"');
  });
});

describe('formatSessionCommand', () => {
  it('writes what legacy nodes understand', () => {
    expect(formatSessionCommand({ command: 'id', jobid: 'myjob', rank: 1 })).toBe('id myjob/1');
    expect(formatSessionCommand({ command: 'id', rank: 1 })).toBe('id /1');
    expect(formatSessionCommand({ command: 'exec', program: "it's" })).toBe("exec 'it''s'");
    expect(formatSessionCommand({ command: 'signal', signal: 15 })).toBe('signal 15');
    expect(formatSessionCommand({ command: 'close', stream: 'stdin' })).toBe('close stdin');
  });

  it('gives back what it was made from', () => {
    const name = fc.stringMatching(/^[^\n\0]{1,30}$/);
    const word = fc.stringMatching(/^[^\n\0]{0,30}$/);
    const entry = fc.tuple(fc.stringMatching(/^[^=\n\0]{1,9}$/), word);
    const stream = fc.constantFrom('stdin', 'stdout', 'stderr');
    const jobid = fc.stringMatching(/^[^/()\x00-\x1f\x7f]{1,20}$/);
    const commands = fc.oneof(
      fc.record({ command: fc.constant('exec'), program: name }),
      fc.record({ command: fc.constant('wipe') }),
      fc.record(
        {
          command: fc.constant('signal'),
          signal: fc.integer({ min: 1, max: 64 }),
          pid: fc.integer({ min: 1, max: 0x7fffffff }),
        },
        { requiredKeys: ['command', 'signal'] },
      ),
      fc.record({ command: fc.constant('close'), stream }),
      fc.record({ command: fc.constant('redirect'), stream, file: name }),
      fc.record(
        { command: fc.constant('id'), jobid, rank: fc.nat() },
        { requiredKeys: ['command'] },
      ),
      fc.record({ command: fc.constant('type'), type: fc.constantFrom('normal', 'persistent') }),
      fc.record({ command: fc.constant('argv'), args: fc.array(word, { minLength: 1 }) }),
      fc.record({ command: fc.constant('env'), entries: fc.array(entry, { minLength: 1 }) }),
      fc.record({ command: fc.constant('ns'), lines: fc.array(word) }),
      fc.record(
        {
          command: fc.constant('connect'),
          address: fc.record({ host: fc.ipV6(), port: fc.integer({ min: 1, max: 65535 }) }),
          sid: fc.nat().map(String),
          path: fc.stringMatching(/^[^/:.\0\n]{1,9}(\/[^/:.\0\n]{1,9})?$/),
          passkey: fc.stringMatching(/^[0-9a-f]{32}$/),
        },
        { requiredKeys: ['command', 'address', 'sid'] },
      ),
    ) as fc.Arbitrary<SessionCommand>;
    fc.assert(
      fc.property(commands, (command) => {
        const line = formatSessionCommand(command);
        expect(line).not.toContain('\n');
        expect({ ...parseSessionCommand(line) }).toEqual({ ...command });
      }),
      { numRuns: 500 },
    );
  });

  it.each<SessionCommand>([
    { command: 'exec', program: 'a\nwipe' },
    { command: 'exec', program: '' },
    { command: 'exec', program: 'a\0b' },
    { command: 'signal', signal: 0 },
    { command: 'id', jobid: 'a/b' },
    { command: 'connect', address: { host: 'n8' }, sid: '1/../2' },
    { command: 'connect', address: { host: 'n8' }, sid: '1', path: 'a:b' },
    { command: 'connect', address: { host: 'n8' }, sid: '1', path: '..' },
  ])('refuses %j', (command) => {
    expect(() => formatSessionCommand(command)).toThrow(XcpuFormatError);
  });
});
