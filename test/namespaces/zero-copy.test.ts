import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DAEMONS, FileSite, lacksNodeRoots } from './support.js';

/** More than is read ahead, and than fits into a pipe. */
const SIZE = 8 * 1024 * 1024;

/**
 * Programs that move files by sendfile(2) and splice(2), as busybox's cat and those written in Rust do: Linux holds the
 * lock of the pipe that they write to, or read from, while it waits for the file.
 */
const SEND = `import os, sys
with open(sys.argv[1], 'rb') as f:
    while os.sendfile(1, f.fileno(), None, 1 << 20): pass
`;
const RECEIVE = `import os, sys
with open(sys.argv[1], 'wb') as f:
    while os.splice(0, f.fileno(), 1 << 16): pass
`;

describe.skipIf(lacksNodeRoots('python3')).each(DAEMONS)(
  'a program of a daemon of $whose',
  ({ options }) => {
    let site: FileSite;
    beforeAll(async () => {
      site = await FileSite.start(1, options);
    });
    afterAll(() => site?.stop());

    test('sends a file of the user’s to its output while the kernel locks the pipe', async () => {
      const data = 'abcdefg\n'.repeat(SIZE / 8);
      await site.write('big', data);
      await site.write('send.py', SEND);
      const { status, stdout, stderr } = await site.xrx([
        'n1',
        '/usr/bin/python3',
        'send.py',
        'big',
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(digest(stdout)).toBe(digest(data));
    });

    test('puts its input into one', async () => {
      const input = 'gfedcba\n'.repeat(SIZE / 8);
      await site.write('receive.py', RECEIVE);
      const command = site.start(['n1', '/usr/bin/python3', 'receive.py', 'out']);
      command.child.stdin.end(input);
      expect(await command.result).toMatchObject({ status: 0, stderr: '' });
      expect(digest(await site.read('out'))).toBe(digest(input));
    });
  },
);

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
