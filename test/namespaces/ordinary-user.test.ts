import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE } from '../support/cluster.js';
import { idleFootprint, nothingLeft } from './footprint.js';
import { FileSite, lacksNodeRoots, sourceOf } from './support.js';

describe.skipIf(lacksNodeRoots('gcc', 'python3'))('a daemon of an ordinary user', () => {
  let site: FileSite;

  beforeAll(async () => {
    site = await FileSite.start(1, { root: { user: ALICE }, args: ['-s'] });
  });
  afterAll(() => site?.stop());

  test('runs his programs with his files, as himself', async () => {
    site.local(`gcc -shared -fPIC -o libgreet.so ${sourceOf('greet')}`);
    site.compile('hello', '-L. -lgreet -Wl,-rpath,\\$ORIGIN');
    await site.write('in', 'from home\n');
    const told =
      await site.shell(`./hello in out | head -n 1; id -u; id -g; stat -c '%u %g' out /etc/passwd
      mkdir d; echo x > d/file; mv d/file d/moved; grep -E '^(NoNewPrivs|CapEff|Groups)' /proc/self/status`);
    const { uid, gid } = ALICE;
    // In a namespace that knows no other number everybody's files have this one.
    expect(told.split('\n').slice(0, 5)).toEqual([
      ...['hello ./hello', `${uid}`, `${gid}`],
      ...[`${uid} ${gid}`, `${uid} ${gid}`],
    ]);
    expect(told).toMatch(/CapEff:\s0+\nNoNewPrivs:\s1\n/);
    expect(await site.read('out')).toBe('from home\n');
    expect(await stat(join(site.home, 'd/moved'))).toMatchObject({ uid, gid });
  });

  test('shapes their namespaces, and mounts nothing where others see it', async () => {
    await site.write(
      'own.ns',
      'import $XCPUTSADDR /mnt\ntmpfs /tmp\nmkdir /tmp/d\nbind -r -o ro /usr /tmp/d\nchroot /\ncd /tmp\n',
    );
    const told = await site.shell(
      'echo made > made; cat made; ls d; (: >d/x) 2>&1 || echo refused; cat /proc/self/mountinfo',
      { args: ['--ns', 'own.ns'] },
    );
    expect(told).toMatch(/ \/mnt rw,nosuid,nodev,\S* - fuse\.9p xcpu /);
    expect(told).toMatch(/ \/tmp\/d ro,/);
    expect(told).toMatch(/^made\nbin\nlib\n(?:.*\n)*.*cannot create d\/x.*\nrefused\n/);
  });

  test('python3 finds its library, and nothing is left of it all', async () => {
    await site.shell('true');
    const before = await idleFootprint(site.cluster.node);
    const told = await site.shell(
      `/usr/bin/python3 -c 'import json, os; print(json.dumps(os.getuid()))'`,
    );
    expect(told).toBe(`${ALICE.uid}\n`);
    await nothingLeft(site.cluster.node, before);
  });
});

describe.skipIf(lacksNodeRoots())('where ordinary users have no namespaces', () => {
  test('a daemon of theirs names the setting, and the way out', async () => {
    const root = {
      user: ALICE,
      prepare: `cat >opt/forbid <<'END'\n${FORBID}END`,
      enclose: ['sh /opt/forbid'],
    };
    const site = await FileSite.start(1, { root, args: ['-s'] });
    try {
      const { status, stderr } = await site.xrx(['n1', 'true']);
      expect(status).toBe(125);
      expect(stderr).toMatch(
        /lets only root mount your files \(user\.max_user_namespaces=0\).*xrx -l, or .* xrx --ship\n$/,
      );
      expect(await site.xrx(['-l', 'n1', 'id', '-u'])).toMatchObject({ stdout: `${ALICE.uid}\n` });
    } finally {
      await site.stop();
    }
  });
});

/**
 * Becomes root of a user namespace that has the same numbers but may have no further ones, and then the command of its
 * arguments. Who has no number yet has no rights left behind exec.
 */
const FORBID = `
self=$$
map='0 0 65536'
(until echo "$map" >/proc/$self/gid_map && echo "$map" >/proc/$self/uid_map; do sleep 0.02; done) 2>/dev/null &
exec unshare --user sh -c '
  until [ "$(id -u)" = 0 ]; do sleep 0.02; done
  exec sh -ec "echo 0 >/proc/sys/user/max_user_namespaces
    exec \\"\\$@\\"" "$@"' sh sh "$@"
`;
