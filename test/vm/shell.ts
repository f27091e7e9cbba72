import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testKey, writeKey } from '../support/keys.js';
import { Guest } from './guest.js';

const folder = await mkdtemp(join(tmpdir(), 'xcpu-vm-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => process.exit());

const { privateFile } = await writeKey(testKey('admin_key'), folder);
const guest = await Guest.boot({ adminKey: testKey('admin_key'), shell: true });
await writeFile(join(folder, 'nodes'), `guest=${guest.name}\n`);
console.log(`
Linux ${guest.release} starts, with a shell here: exit, or Ctrl-A X, switches it off. In another terminal:

export XCPU_NODES_FILE=${folder}/nodes XCPU_ADMIN_KEY=${privateFile}
dist/bin/xgroupset guest users 100
dist/bin/xuserset guest $USER $(id -u) users ~/.ssh/id_rsa.pub
dist/bin/xrx -l guest uname -a
`);
await guest.ended;
