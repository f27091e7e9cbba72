import { execFileSync } from 'node:child_process';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readKeyFile } from '../../src/users/local.js';
import { temporaryDirectory } from '../support.js';

it('reads a user’s key file, and waits at nothing else that he puts there', () => {
  const directory = temporaryDirectory();
  const at = (name: string) => join(directory, name);
  writeFileSync(at('key'), 'ssh-rsa AAAA');
  symlinkSync(at('key'), at('link'));
  execFileSync('mkfifo', [at('fifo')]);
  symlinkSync('/dev/zero', at('device'));
  writeFileSync(at('huge'), '');
  truncateSync(at('huge'), 2 ** 40);
  expect(readKeyFile(at('key'))).toBe('ssh-rsa AAAA');
  expect(readKeyFile(at('link'))).toBe('ssh-rsa AAAA');
  for (const name of ['fifo', 'device', 'huge', 'none']) {
    expect(readKeyFile(at(name))).toBeUndefined();
  }
});
