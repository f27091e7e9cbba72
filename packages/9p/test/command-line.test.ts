import { UsageError } from '@xcpu/libxcpu';
import { describe, expect, it } from 'vitest';
import { parseProgram, parseVerb } from '../src/command-line.js';
import { takeAddress } from '../src/place.js';
import type { VerbLine } from '../src/verb.js';
import { loadVerb, VERBS } from '../src/verbs.js';

async function parse(...args: string[]): Promise<VerbLine> {
  const program = await parseProgram(args);
  if ('text' in program) throw new Error(program.text);
  const line = await parseVerb(program, await loadVerb(program.verb));
  if ('text' in line) throw new Error(line.text);
  return line;
}

describe('a command line', () => {
  it('has options in front of the verb and behind it', async () => {
    const line = await parse('-a', 'fs:564', '-d', 'ls', '-ld', '/a', '-u', 'alice', '/b');
    expect(line).toMatchObject({
      address: 'fs:564',
      operands: ['/a', '/b'],
      options: { long: true, directory: true },
      connection: { user: 'alice', debug: true, auth: true, dialects: ['9P2000.u', '9P2000.L'] },
    });
  });

  it('takes -d as debug unless the verb has its own', async () => {
    expect((await parse('cat', '-d', 'n8', '/a')).connection.debug).toBe(true);
    expect((await parse('ls', '-d', 'n8')).connection.debug).toBe(false);
    expect((await parse('ls', '--debug', 'n8')).connection.debug).toBe(true);
  });

  it('says how the server is reached', async () => {
    const args = ['-n', '--dialect', '9p2000.l', '-m', '8192', '--connect-timeout', '0.5'];
    expect((await parse('stat', ...args, '--aname', '/x', '-k', 'f', 'n8')).connection).toEqual({
      ...{ user: undefined, key: 'f', adminKey: undefined, auth: false, aname: '/x' },
      ...{ dialects: ['9P2000.L'], msize: 8192, connectTimeout: 500, debug: false },
    });
  });

  it.each([
    [[]],
    [['frobnicate']],
    [['toString']],
    [['ls', '--nope']],
    [['ls', '-m', '12', 'n8']],
    [['ls', '-m', '8k', 'n8']],
    [['ls', '--dialect', '9P1999', 'n8']],
    [['ls', '--connect-timeout', 'soon', 'n8']],
    [['ls', '-u']],
  ])('%j is refused', async (args) => {
    await expect(parse(...args)).rejects.toThrow(UsageError);
  });
});

describe('help', () => {
  it('names every verb', async () => {
    const answer = await parseProgram(['-h']);
    for (const name of Object.keys(VERBS))
      expect(answer).toMatchObject({ text: expect.stringContaining(`\n  ${name} `) });
  });

  it.each(Object.keys(VERBS))('of %s has its usage and examples that parse', async (name) => {
    const verb = await loadVerb(name);
    expect(verb.name).toBe(name);
    const program = { verb: name, rest: ['-h'], address: undefined, debug: false };
    const answer = await parseVerb(program, verb);
    expect(answer).toMatchObject({ text: expect.stringMatching(/^Usage: 9p \w+ \[options\]/) });
    for (const [line] of verb.examples) {
      const [, command = ''] = /\b9p (.*?)( [|<].*)?$/.exec(line) ?? [];
      await parse(...command.split(' '));
    }
  });
});

describe('operands', () => {
  const line = (operands: readonly string[], address?: string) =>
    ({ operands, address }) as unknown as VerbLine;

  it('begin with the address unless -a gave it', () => {
    const wanted = { least: 1, names: 'PATH...' };
    expect(takeAddress(line(['n8', 'a']), wanted)).toEqual({ address: 'n8', paths: ['a'] });
    expect(takeAddress(line(['a'], 'n8'), wanted)).toEqual({ address: 'n8', paths: ['a'] });
  });

  it.each([
    [[], 'an address is missing; wanted: ADDRESS PATH'],
    [['n8'], 'a path is missing'],
    [['n8', 'a', 'b'], 'too many operands'],
  ])('%j: %s', (operands, text) => {
    const wanted = { least: 1, most: 1, names: 'PATH' };
    expect(() => takeAddress(line(operands), wanted)).toThrow(text);
  });
});
