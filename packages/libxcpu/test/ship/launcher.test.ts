import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { launcherScript } from '../../src/ship/launcher.js';
import { treeOf } from './trees.js';

const SHOW = '#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n';

function run(
  command: Parameters<typeof launcherScript>[0],
  args: readonly string[] = [],
): string[] {
  const tree = treeOf({ 'a b/run': launcherScript(command), 'a b/bin/it': SHOW });
  const told = execFileSync(`${tree.root}/a b/run`, args, { encoding: 'utf8' });
  return told.replaceAll(`${tree.root}/a b/`, '@').split('\n').slice(0, -1);
}

it('names what is beside it, and passes arguments on', () => {
  const command = [
    { paths: ['bin/it'] },
    { text: '--argv0' },
    { text: "it's $HOME" },
    { paths: ['lib', "tree/my lib'"] },
  ];
  expect(run(command, ['-n', 'a  b', '', '*'])).toEqual([
    '@bin/it',
    '--argv0',
    "it's $HOME",
    "@lib:@tree/my lib'",
    ...['-n', 'a  b', '', '*'],
  ]);
});

it('keeps every word as it is', () => {
  const word = fc.string().filter((text) => !/[\0\n]/.test(text));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), (words) => {
      const command = [{ paths: ['bin/it'] }, ...words.map((text) => ({ text }))];
      expect(run(command)).toEqual(['@bin/it', ...words]);
    }),
    { numRuns: 20 },
  );
});
