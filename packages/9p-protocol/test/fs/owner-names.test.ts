import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ownerNames } from '../../src/fs/index.js';
import { temporary } from './support.js';

it('names owners as the files say, and by number who is not there', () => {
  const path = temporary();
  const [passwd, group] = [join(path, 'passwd'), join(path, 'group')];
  writeFileSync(passwd, 'root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:\nbroken\n\nme:x:1000:100:::\n');
  let now = 0;
  const names = ownerNames({ passwd, group, now: () => now });
  expect([names.userName(0), names.userName(1000), names.userName(7)]).toEqual(['root', 'me', '7']);
  expect([names.userId('toor'), names.userId('7'), names.userId('you')]).toEqual([0, 7, undefined]);
  expect(names.groupName(5)).toBe('5');
  writeFileSync(group, 'tty:x:5:\n');
  writeFileSync(passwd, 'you:x:1000:100:::\n');
  utimesSync(passwd, 1, 1);
  expect([names.groupName(5), names.userName(1000)]).toEqual(['5', 'me']);
  now += 1000;
  expect([names.groupName(5), names.userName(1000)]).toEqual(['tty', 'you']);
  expect(names.groupId('tty')).toBe(5);
});
