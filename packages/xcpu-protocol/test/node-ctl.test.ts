import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CommandLineBuffer,
  formatNodeCommand,
  type NodeCommand,
  parseNodeCommand,
  parsePublicKey,
  XcpuFormatError,
} from '../src/index.js';
import { LEGACY_USER_KEY } from './support.js';

const key = parsePublicKey(LEGACY_USER_KEY);

/** Key objects cannot be compared by structure. */
const comparable = (command: NodeCommand) =>
  'key' in command ? { ...command, key: command.key.line } : { ...command };

describe('parseNodeCommand', () => {
  it.each<[string, NodeCommand]>([
    [
      `user-add root 0 xgrp '${LEGACY_USER_KEY}'`,
      { command: 'user-add', user: 'root', uid: 0, group: 'xgrp', key },
    ],
    ['user-del root', { command: 'user-del', user: 'root' }],
    [`user-key root '${LEGACY_USER_KEY}'`, { command: 'user-key', user: 'root', key }],
    ['user-flush', { command: 'user-flush' }],
    ['user-add-group root extra', { command: 'user-add-group', user: 'root', group: 'extra' }],
    ['user-del-group root extra', { command: 'user-del-group', user: 'root', group: 'extra' }],
    ['group-add xgrp 500', { command: 'group-add', group: 'xgrp', gid: 500 }],
    ['group-del xgrp', { command: 'group-del', group: 'xgrp' }],
    ['group-flush', { command: 'group-flush' }],
    ['kill 9 12', { command: 'kill', signal: 9, pid: 12 }],
    ['kill SIGTERM 1', { command: 'kill', signal: 15, pid: 1 }],
  ])('reads %j', (line, command) => {
    expect(comparable(parseNodeCommand(line))).toEqual(comparable(command));
  });

  it('reads what legacy clients write, padding and all', () => {
    const written = Buffer.from(`group-add xgrp 500\n\0${'Z'.repeat(492)}`);
    expect([...new CommandLineBuffer().push(written)].map(parseNodeCommand)).toEqual([
      { command: 'group-add', group: 'xgrp', gid: 500 },
    ]);
  });

  it.each([
    ['', 'unknown command'],
    ['reboot', 'unknown command'],
    ['toString', 'unknown command'],
    ['user-add', 'Usage: user-add uname uid groupname key'],
    ['user-add a 1 g', 'Usage: user-add uname uid groupname key'],
    [`user-add a 1 g ${LEGACY_USER_KEY}`, 'Usage: user-add uname uid groupname key'],
    ['group-add g', 'Usage: group-add groupname gid'],
    ['user-del', 'Usage: user-del uname'],
    ['user-key a', 'Usage: user-key uname key'],
    ["user-key a 'ssh-rsa AAAA'", 'invalid key'],
    ['user-flush all', 'Usage: user-flush'],
    ['group-del', 'Usage: group-del groupname'],
    ['user-add-group u', 'Usage: user-add-group uname groupname'],
    ['user-del-group', 'Usage: user-del-group uname groupname'],
    ['kill 9', 'Usage: kill signal pid'],
    [`user-add a x g '${LEGACY_USER_KEY}'`, 'invalid user id'],
    [`user-add a -1 g '${LEGACY_USER_KEY}'`, 'invalid user id'],
    [`user-add a 4294967295 g '${LEGACY_USER_KEY}'`, 'invalid user id'],
    ['group-add g 5x', 'invalid group id x'],
    ["user-add a 1 g 'ssh-dss AAAA'", 'invalid key type'],
    ["user-add a 1 g 'ssh-rsa AAAA'", 'invalid key'],
    ["user-add a 1 g ''", 'invalid key'],
    ['kill 9 0', 'invalid pid'],
    ['kill 9 -1', 'invalid pid'],
    ['kill 9 2147483648', 'invalid pid'],
    ['kill SIGFOO 12', 'unsupported signal'],
    ["user-del 'a", 'unterminated quote'],
  ])('refuses %j', (line, message) => {
    expect(() => parseNodeCommand(line)).toThrow(new XcpuFormatError(message));
  });

  it.each([
    "group-add 'a\nroot:0' 5",
    "group-add 'a:0' 5",
    "user-del ''",
    "user-add-group 'a/b' g",
  ])('refuses the name in %j', (line) => {
    expect(() => parseNodeCommand(line)).toThrow(/^invalid (user|group) name /);
  });
});

describe('formatNodeCommand', () => {
  it('gives back what it was made from', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/);
    const id = fc.integer({ min: 0, max: 0xfffffffe });
    const commands = fc.oneof(
      fc.record({
        command: fc.constant('user-add'),
        user: name,
        uid: id,
        group: name,
        key: fc
          .stringMatching(/^[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f\s]*$/)
          .map((comment) => parsePublicKey(LEGACY_USER_KEY.replace(/\S+$/, () => comment))),
      }),
      fc.record({ command: fc.constant('user-del'), user: name }),
      fc.record({ command: fc.constant('user-key'), user: name, key: fc.constant(key) }),
      fc.record({ command: fc.constantFrom('user-flush', 'group-flush') }),
      fc.record({
        command: fc.constantFrom('user-add-group', 'user-del-group'),
        user: name,
        group: name,
      }),
      fc.record({ command: fc.constant('group-add'), group: name, gid: id }),
      fc.record({ command: fc.constant('group-del'), group: name }),
      fc.record({
        command: fc.constant('kill'),
        signal: fc.integer({ min: 1, max: 64 }),
        pid: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      }),
    ) as fc.Arbitrary<NodeCommand>;
    fc.assert(
      fc.property(commands, (command) => {
        const line = formatNodeCommand(command);
        expect(line).not.toContain('\n');
        expect(comparable(parseNodeCommand(line))).toEqual(comparable(command));
      }),
      { numRuns: 300 },
    );
  });

  it('writes a line that legacy nodes understand', () => {
    expect(formatNodeCommand({ command: 'user-add', user: 'a', uid: 1, group: 'g', key })).toBe(
      `user-add a 1 g '${LEGACY_USER_KEY}'`,
    );
  });

  it.each<NodeCommand>([
    { command: 'user-del', user: 'a b' },
    { command: 'group-add', group: 'g', gid: -1 },
    { command: 'kill', signal: 9, pid: 0 },
  ])('refuses %j', (command) => {
    expect(() => formatNodeCommand(command)).toThrow(XcpuFormatError);
  });
});
