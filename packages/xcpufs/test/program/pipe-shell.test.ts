import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makePipes } from '../../src/program/pipe-shell.js';

let directory: string;
/** What stands for /bin/sh on nodes where it cannot do one or the other. */
const LESSER: Readonly<Record<string, string>> = {
  'with here-documents in files':
    'case $2 in *"<<"*) exec 3</etc/passwd; echo $$; read -r rest; exit;; esac',
  'that must not fork': 'case $2 in *"4>&1"*) exit 1;; esac',
};
const SHELLS = [
  ...['/bin/sh', '/bin/dash', '/bin/bash'].filter(existsSync),
  ...Object.keys(LESSER),
];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'xcpu-pipes-'));
  for (const [name, script] of Object.entries(LESSER)) {
    const text = `#!/bin/sh\n${script}\nexec /bin/sh "$@"\n`;
    writeFileSync(join(directory, name), text, { mode: 0o755 });
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each(SHELLS)('pipes made by a shell %s', (name) => {
  const shell = () => (name in LESSER ? join(directory, name) : name);

  it('are as many as wanted, each another, empty, and open both ways', async () => {
    for (const count of [1, 7, 8, 24]) {
      const made = await makePipes(shell(), count);
      onTestFinished(() => {
        for (const fd of made) closeSync(fd);
      });
      expect(new Set(made.map((fd) => fstatSync(fd).ino)).size).toBe(count);
      const buffer = Buffer.alloc(9);
      for (const fd of made) {
        expect(fstatSync(fd).isFIFO()).toBe(true);
        expect(() => readSync(fd, buffer)).toThrow('EAGAIN');
        writeSync(fd, 'through');
        expect(readSync(fd, buffer)).toBe(7);
      }
    }
  });
});

it('leaves nothing open where there is no such shell', async () => {
  const before = readdirSync('/proc/self/fd').length;
  await expect(makePipes('/nonexistent', 4)).rejects.toThrow();
  await expect(makePipes('/bin/true', 4)).rejects.toThrow();
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
});
