import { describe, expect, test } from 'vitest';
import { FileSite, type FileSiteOptions, lacksNodeRoots } from './support.js';

/** Options of nodes that lack a tool. */
function without(tool: string): FileSiteOptions {
  const prepare = `cat >opt/without <<'END'
mount --bind /dev/null /usr/bin/${tool}
exec "$@"
END`;
  return { root: { prepare, enclose: ['sh /opt/without'] } };
}

describe.skipIf(lacksNodeRoots())('a node that lacks', () => {
  test.each([
    ['unshare', 'util-linux'],
    ['mount', 'util-linux (Debian: mount)'],
    ['chroot', 'coreutils'],
    ['mkdir', 'coreutils'],
  ])('%s says so when it starts, and to who wants his files there', async (tool, from) => {
    const site = await FileSite.start(1, without(tool));
    try {
      const reason = new RegExp(`\\b${tool} not found in /\\S+: install ${quoted(from)}`);
      expect(site.cluster.node.log).toMatch(
        new RegExp(`no namespaces.*${reason.source}.*\n(?:.*\n)*.*listening`),
      );
      expect(await site.xrx(['n1', 'true'])).toMatchObject({
        status: 125,
        stdout: '',
        stderr: expect.stringMatching(reason),
      });
      const { status, stderr } = await site.xrx(['-l', 'n1', 'true']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    } finally {
      await site.stop();
    }
  });

  test('setpriv runs nothing for anybody: it does not start', async () => {
    const start = FileSite.start(1, without('setpriv'));
    await expect(start).rejects.toThrow(
      /did not start:\n.*xcpufs: setpriv not found in \/\S+: install util-linux\n$/,
    );
  });
});

function quoted(text: string): string {
  return text.replace(/[()]/g, '\\$&');
}
