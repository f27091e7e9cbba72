import { expect, test } from 'vitest';
import { parseCommand } from '../src/command-line.js';

async function parsed(...args: string[]) {
  const command = await parseCommand(args);
  if (typeof command === 'string') throw new Error(command);
  return command;
}

test('operands and defaults', async () => {
  expect(await parsed('n8:564', '/mnt')).toMatchObject({
    address: 'n8:564',
    mountpoint: '/mnt',
    foreground: false,
    server: { auth: true },
    mount: { name: 'n8:564', cache: 'open', allowOther: false, options: [] },
  });
});

test('options', async () => {
  const { server, mount, foreground } = await parsed(
    ...['-d', '--cache', 'loose', '-o', 'ro,noexec', '-o', 'sync', '--uid', '7', '-n'],
    ...['-u', 'alice', '-a', 'tree', '--dialect', '9p2000.u', '-m', '8192', 'n8', '/mnt'],
  );
  expect(foreground).toBe(true);
  expect(server).toMatchObject({
    auth: false,
    user: 'alice',
    aname: 'tree',
    dialects: ['9P2000.u'],
    msize: 8192,
  });
  expect(mount).toMatchObject({ cache: 'loose', options: ['ro', 'noexec', 'sync'] });
  expect(mount.owners?.shown({ uid: 1, gid: 2 })).toEqual({ uid: 7, gid: 2 });
});

test('-D is -d, as with plan9port', async () => {
  const { debug, foreground } = await parsed('-D', 'n8', '/mnt');
  expect({ debug, foreground }).toEqual({ debug: true, foreground: true });
  expect((await parsed('-A', './1.0', 'n8', '/mnt')).server.adminKey).toBe('./1.0');
});

test.each([
  [['n8'], 'wanted: ADDRESS MOUNTPOINT'],
  [['n8', '/mnt', 'more'], 'wanted: ADDRESS MOUNTPOINT'],
  [['--cache', 'never', 'n8', '/mnt'], 'there are none, open, loose'],
  [['--uid', 'root', 'n8', '/mnt'], 'a number is wanted'],
  [['--gid', '4294967295', 'n8', '/mnt'], 'a number is wanted'],
  [['-m', '12', 'n8', '/mnt'], 'not between'],
  [['-o', 'ro,user_id=7', 'n8', '/mnt'], 'sets that itself'],
  [['--dialect', '9P3000', 'n8', '/mnt'], 'there are 9P2000, 9P2000.u, 9P2000.L'],
  [['-A', '1.0', 'n8', '/mnt'], "-A 1.0: the administrator's key is wanted"],
  [['--what', 'n8', '/mnt'], 'unknown option'],
])('%j is refused', async (args, reason) => {
  await expect(parseCommand(args)).rejects.toThrow(reason);
});

test('help and version are texts', async () => {
  expect(await parseCommand(['-h'])).toMatch(/Cache modes:.*Examples:/s);
  expect(await parseCommand(['-V'])).toMatch(/^9pfuse /);
});
