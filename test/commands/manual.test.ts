import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.js';
import { COMMANDS } from '../support/commands.js';
import { lacks } from '../support/needs.js';

const run = promisify(execFile);
const PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url));
const noMandoc = lacks('mandoc', existsSync('/usr/bin/mandoc'));
const noGroff = lacks('groff', existsSync('/usr/bin/groff'));

describe.each(COMMANDS)('the manual page of %s', (name) => {
  const folder = join(PACKAGES, name);
  const { man, files } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const page = join(folder, man?.[0] ?? 'none');

  it('is where npm installs it from', () => {
    expect(man).toEqual([expect.stringMatching(new RegExp(`^dist/man/${name}\\.[18]$`))]);
    expect(files).toContain('dist');
    expect(existsSync(page)).toBe(true);
  });

  it.skipIf(noMandoc)('has nothing that mandoc objects to', async () => {
    const told = await run('mandoc', ['-Tlint', '-Wstyle', page]).catch((error) => error);
    expect(told.stdout + told.stderr).toBe('');
  });

  it.skipIf(noGroff)('has nothing that groff objects to', async () => {
    const { stderr } = await run('groff', ['-ww', '-man', '-Tutf8', '-z', page]);
    expect(stderr).toBe('');
  });

  it.skipIf(noMandoc)('tells every option of the help, and what it depends on', async () => {
    const text = await rendered(page);
    for (const section of [
      'NAME',
      'SYNOPSIS',
      'DESCRIPTION',
      'OPTIONS',
      'EXIT STATUS',
      'SEE ALSO',
    ]) {
      expect(text).toContain(`\n${section}\n`);
    }
    const helps = [await help(name)];
    for (const verb of verbsIn(helps[0]!)) helps.push(await help(name, verb));
    for (const told of helps) {
      for (const flag of flagsIn(told)) expect(` ${text}`).toMatch(new RegExp(`\\s${flag}[\\s,]`));
    }
    for (const [, variable] of helps.join('').matchAll(/\$([A-Z][A-Z0-9_]+)/g)) {
      expect(text, `$${variable}`).toMatch(
        new RegExp(`\\nENVIRONMENT\\n(.*\\n)*?       ${variable}\\b`),
      );
    }
  });
});

async function help(name: string, ...verb: string[]): Promise<string> {
  const { stdout } = await runCommand(name, [...verb, '-h']);
  expect(stdout).toContain('Usage: ');
  return stdout;
}

function verbsIn(help: string): string[] {
  const [, list = ''] = /^Verbs:\n((?: .*\n)*)/m.exec(help) ?? [];
  return [...list.matchAll(/^ {2}(\w+)/gm)].map(([, verb]) => verb!);
}

function flagsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}(-.*?)(?: {2}|$)/gm)].flatMap(([, option]) =>
    option!.split(/[ ,]+/).filter((word) => word.startsWith('-')),
  );
}

async function rendered(page: string): Promise<string> {
  const { stdout } = await run('mandoc', ['-Tascii', '-Owidth=80', page]);
  // Bold and underlined letters are typed twice.
  return stdout.replace(/.\u0008/g, '');
}
