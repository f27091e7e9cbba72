import { MessageType } from '@xcpu/9p-protocol';
import { DEFAULT_NAMESPACE } from '@xcpu/xcpu-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { FileSite, type FileSiteOptions, lacksNodeRoots } from './support.js';
import { TreeServer } from './tree-server.js';

/** What is mounted below the node's own directories, as on any machine. */
const prepare = `mkdir -p dev/pts dev/shm
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=755,nosuid,noexec pts dev/pts`;

const NODES: readonly (readonly [whose: string, options: FileSiteOptions])[] = [
  ['root', { root: { prepare } }],
  ['an ordinary user', { root: { prepare, user: ALICE }, args: ['-s'] }],
];

describe.skipIf(lacksNodeRoots()).each(NODES)('on a node of %s', (_, options) => {
  let site: FileSite;

  beforeAll(async () => {
    site = await FileSite.start(1, options);
  });
  afterAll(() => site?.stop());

  test('the program that C clients write is built as they write it', async () => {
    await site.write('in', 'from home\n');
    // They serve their users' files at a port, in the dialect of their time.
    await using files = await TreeServer.start('/', {
      host: '127.0.1.98',
      readonly: true,
      dialects: ['9P2000.u', '9P2000'],
    });
    await using node = await site.cluster.user(ALICE);
    const { status, stdout, stderr } = await node.run(
      ['sh', '-c', 'cat in; ls -d /dev/null /dev/shm /proc/self /sys/kernel; id -u'],
      {
        env: [
          ['XCPUTSADDR', files.address],
          ['XCPUARCHDIR', ''],
        ],
        ns: `${DEFAULT_NAMESPACE}cd ${site.home}\n`,
      },
    );
    expect({ status, stderr }).toEqual({ status: { exitCode: 0 }, stderr: '' });
    expect(stdout).toBe(`from home\n/dev/null\n/dev/shm\n/proc/self\n/sys/kernel\n${ALICE.uid}\n`);
    expect(files.takeRequests()).toContain(MessageType.Tread);
  });

  test('what is bound so that it cannot be written cannot be below, either', async () => {
    await site.write(
      'own.ns',
      'unshare\nmkdir /tmp/d\nbind -r -o ro /dev /tmp/d\nimport $XCPUTSADDR /mnt\n',
    );
    const told = await site.shell(
      `while read -r a b c d point options rest; do
        case $point in /tmp/d*) echo "$point \${options%%,*}" ;; esac
      done </proc/self/mountinfo
      (: >/tmp/d/shm/x) 2>/dev/null || echo refused; : >/dev/shm/x; ls /tmp/d/shm`,
      { args: ['--ns', 'own.ns'] },
    );
    expect(told).toBe('/tmp/d ro\n/tmp/d/shm ro\n/tmp/d/pts ro\nrefused\nx\n');
  });
});
