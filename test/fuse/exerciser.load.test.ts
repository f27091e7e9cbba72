import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { compile, FuseSite, lacksFuse, lacksProgram } from './support.js';

describe.skipIf(lacksFuse() || lacksProgram('gcc'))(
  'a file that is read, written, cut and mapped at random',
  () => {
    let site: FuseSite | undefined;

    afterEach(async () => {
      await site?.stop();
      site = undefined;
    });

    test.each([
      { how: 'by default', options: [], seed: 1 },
      { how: 'by default, again', options: [], seed: 2 },
      { how: 'without a cache', options: ['--cache', 'none'], seed: 3 },
      { how: 'with late writes', options: ['--cache', 'loose'], seed: 4 },
      { how: 'with late writes, again', options: ['--cache', 'loose'], seed: 5 },
      { how: 'in small messages', options: ['-m', '8192'], seed: 6 },
      { how: 'in 9P2000.u', options: ['--dialect', '9P2000.u'], seed: 7 },
      { how: 'in 9P2000', options: ['--dialect', '9P2000'], seed: 8 },
    ])('stays what it should be $how', async ({ options, seed }) => {
      site = await FuseSite.start(options);
      const exerciser = compile('exerciser', site.directory);
      const { stdout, status } = await site.run(exerciser, ['file', String(seed), '2000']);
      expect(stdout).toBe('2000 operations agree\n');
      expect(status).toBe(0);
      // What is in the kernel only is on the server at the latest when the mount is gone.
      const before = await site.shell('sha256sum < file');
      await site.shell(`umount ${site.mounted}`, { at: '/' });
      expect(await site.shell('sha256sum < file', { at: site.served })).toBe(before);
    });

    test.skipIf(lacksProgram('diod'))(
      'stays what it should be on a server that answers out of order',
      async () => {
        site = await FuseSite.start(null);
        const socket = join(site.directory, 'diod');
        site.start('diod', ['-f', '-n', '-l', socket, '-e', site.served], {
          at: '/',
          timeout: 60_000,
        });
        await eventually('a socket of diod', () => existsSync(socket));
        await site.mount(site.mounted, ['-n', '-a', site.served], socket);
        const exerciser = compile('exerciser', site.directory);
        const runs = [21, 22].map((seed) =>
          site!.run(exerciser, [`file${seed}`, String(seed), '700']),
        );
        for (const { stdout } of await Promise.all(runs))
          expect(stdout).toBe('700 operations agree\n');
        const told = await site.shell(`
      mkdir d; for i in $(seq 100); do echo $i > d/f$i; done; mv d e; cat e/* | wc -l; ls e | wc -l
      ln -s e l; readlink l; flock e/f1 rm -r e l; ls`);
        expect(told).toBe('100\n100\ne\nfile21\nfile22\n');
      },
    );

    test('is one file to several processes at once', async () => {
      site = await FuseSite.start();
      const exerciser = compile('exerciser', site.directory);
      const runs = [11, 12, 13, 14].map((seed) =>
        site!.run(exerciser, [`file${seed}`, String(seed), '700']),
      );
      for (const { stdout } of await Promise.all(runs))
        expect(stdout).toBe('700 operations agree\n');
    });
  },
);
