import { spawnSync } from 'node:child_process';
import { lacks } from '../support/needs.js';
import { TOOL_PATH } from './tools.js';

/** Of qemu-system-x86, apt, dpkg, xz-utils, binutils, libc-bin, util-linux and gcc. */
const PROGRAMS = 'qemu-system-x86_64 apt-get dpkg-deb xz strip ldd setpriv gcc'.split(' ');

/** For `skipIf`: whether guests cannot be made here, which is then said. */
export function lacksGuests(): boolean {
  const missing = PROGRAMS.filter((name) => !has(name));
  const what = `a Debian machine with x86-64 processors and ${PROGRAMS.join(', ')}`;
  const reason = missing.length > 0 ? `; missing: ${missing.join(', ')}` : '';
  const there = process.platform === 'linux' && process.arch === 'x64' && missing.length === 0;
  return lacks(`${what} (scripts/install-test-packages.sh)${reason}`, there);
}

function has(program: string): boolean {
  const env = { ...process.env, PATH: TOOL_PATH };
  return spawnSync('sh', ['-c', `command -v ${program}`], { env, stdio: 'ignore' }).status === 0;
}
