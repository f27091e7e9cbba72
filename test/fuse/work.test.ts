import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FuseSite, lacksFuse, lacksProgram } from './support.js';

describe.skipIf(lacksFuse())('work in a mounted directory', () => {
  let site: FuseSite;

  beforeAll(async () => {
    site = await FuseSite.start();
  });

  afterAll(async () => {
    await site?.stop();
  });

  test('is work on the server', async () => {
    expect(await site.shell('echo hello > made; mkdir d; mv made d/moved; cat d/moved')).toBe(
      'hello\n',
    );
    expect(await readFile(join(site.served, 'd/moved'), 'utf8')).toBe('hello\n');
    await writeFile(join(site.served, 'd/other'), 'from the other side');
    expect(await site.shell('ls d && cat d/other')).toBe('moved\nother\nfrom the other side');
    await site.shell('rm -r d');
    expect(await readdir(site.served)).toEqual([]);
  });

  test('sees what was changed on the server when a file is opened', async () => {
    const file = join(site.served, 'growing');
    await writeFile(file, 'short');
    expect(await site.shell('cat growing')).toBe('short');
    await writeFile(file, 'a good deal longer');
    expect(await site.shell('cat growing')).toBe('a good deal longer');
    await writeFile(file, 'A GOOD DEAL LONGER');
    expect(await site.shell('cat growing')).toBe('A GOOD DEAL LONGER');
  });

  test('keeps modes, times, links and names that are not UTF-8', async () => {
    const told = await site.shell(`
      echo x > file; chmod 640 file; touch -d '2001-02-03 04:05:06.789' file
      ln file hard; ln -s file soft; readlink soft
      stat -c '%a %h %s %Y' hard; stat -c %i file hard | uniq | wc -l
      touch "$(printf 'n\\377me')"; ls | od -c | grep -c '377' ; rm n*; ls`);
    expect(told).toBe('file\n640 2 2 981173106\n1\n1\nfile\ngrowing\nhard\nsoft\n');
    expect((await stat(join(site.served, 'hard'))).nlink).toBe(2);
  });

  test('leaves an open file that is renamed, replaced or removed as it is', async () => {
    const told = await site.shell(`
      echo one > first; exec 3<>first; mv first second; echo more >> second; cat <&3
      echo other > third; mv third second; stat -L -c %s /dev/fd/3
      exec 4<>kept; echo data >&4; rm kept; stat -L -c %s /dev/fd/4; cat /proc/self/fd/4; truncate -s 2 /proc/self/fd/4
      stat -L -c %s /dev/fd/4`);
    expect(told).toBe('one\nmore\n9\n5\ndata\n2\n');
  });

  test('creates exclusively and appends', async () => {
    const told = await site.shell(`
      set -C; echo 1 > once; (echo 2 > once) 2>/dev/null || echo refused; set +C
      for i in 1 2 3 4; do (for j in $(seq 50); do echo line >> log; done) & done; wait; wc -l < log`);
    expect(told).toBe('refused\n200\n');
  });

  test('holds sparse files beyond 4 GiB', async () => {
    const told = await site.shell(`
      truncate -s 4G big; printf end | dd of=big bs=1 seek=4294967296 conv=notrunc status=none
      stat -c %s big; tail -c 3 big; dd if=big bs=1 skip=4000000000 count=3 status=none | od -An -tx1; rm big`);
    expect(told).toBe('4294967299\nend 00 00 00\n');
  });

  test('runs programs, and scripts', async () => {
    const told = await site.shell(`
      cp /bin/echo own; ./own from the mount
      printf '#!/bin/sh\\necho script $1' > script; chmod +x script; ./script works; chmod -x script
      ./script 2>/dev/null || echo refused`);
    expect(told).toBe('from the mount\nscript works\nrefused\n');
  });

  test('moves megabytes without a change', async () => {
    const told = await site.shell(`
      head -c 40000000 /dev/urandom > data; sha256sum < data > sum; cp data copy; sha256sum < copy | cmp - sum
      for i in 1 2 3 4; do (cat data copy > /dev/null; sha256sum < copy | cmp - sum) & done; wait; rm data copy; echo same`);
    expect(told).toBe('same\n');
  });

  test.skipIf(lacksProgram('git'))('keeps a git repository', async () => {
    const told = await site.shell(`
      git init -q repository 2>/dev/null; cd repository
      for i in $(seq 60); do echo $i > f$i; done; mkdir sub; echo s > sub/file
      git add .; git -c user.name=a -c user.email=a@b commit -qm one; git status --short
      echo changed > f1; rm f2; git status --short; git stash -q 2>/dev/null || true; git gc -q; git fsck; git log --format=%s`);
    expect(told).toMatch(/^ M f1\n D f2\n(?:.*\n)*?one\n$/);
  });

  test('packs and unpacks trees', async () => {
    await site.shell(`mkdir tar; cd tar; tar -cf - -C /usr/include linux | tar -xf -
      diff -r /usr/include/linux linux; tar -czf ../all.tgz .; cd ..; rm -r tar; tar -tzf all.tgz > /dev/null`);
  });

  test.skipIf(lacksProgram('gcc') || lacksProgram('make'))('builds a C project', async () => {
    const told = await site.shell(`
      mkdir project; cd project
      for i in $(seq 30); do echo "int f$i(void){return $i;}" > f$i.c; done
      { for i in $(seq 30); do echo "int f$i(void);"; done; echo '#include <stdio.h>'
        echo 'int main(){int s=0;'; for i in $(seq 30); do echo "s+=f$i();"; done; echo 'printf("%d", s);return 0;}'; } > main.c
      printf 'OBJECTS=$(patsubst %%.c,%%.o,$(wildcard *.c))\\nprogram: $(OBJECTS)\\n\\tgcc -o $@ $^\\n' > Makefile
      make -s -j4; ./program; make -s -q && echo made`);
    expect(told).toBe('465made\n');
  });

  test.skipIf(lacksProgram('sqlite3'))('keeps a database, in both of its journals', async () => {
    const told = await site.shell(`
      for mode in delete wal; do
        sqlite3 $mode.db "pragma journal_mode=$mode; create table t(a); begin;
          with recursive c(x) as (select 1 union all select x+1 from c where x<3000) insert into t select x from c; commit;"
        for i in 1 2 3; do sqlite3 -cmd '.timeout 20000' $mode.db 'insert into t values(0)' & done; wait
        sqlite3 $mode.db 'select count(*) from t; pragma integrity_check'
      done`);
    expect(told).toBe('delete\n3003\nok\nwal\n3003\nok\n');
  });

  test.skipIf(lacksProgram('python3'))('maps files into memory', async () => {
    const told = await site.shell(`
      python3 - <<'END'
import mmap
with open('mapped', 'w+b') as f:
    f.truncate(1000000)
    m = mmap.mmap(f.fileno(), 1000000)
    m[500000:500005] = b'hello'
    m.flush()
    m.close()
    f.seek(499999)
    print(f.read(7))
END`);
    expect(told).toBe("b'\\x00hello\\x00'\n");
    const bytes = await readFile(join(site.served, 'mapped'));
    expect(bytes.subarray(500000, 500005).toString()).toBe('hello');
  });

  test('has a small file at once: the kernel asks to open it, and no more', async () => {
    const watched = join(site.directory, 'watched');
    await site.shell(`mkdir ${watched}; seq 20000 > ${site.served}/numbers`, { at: '/' });
    const mount = await site.mount(watched, ['-d']);
    expect(await site.shell('tail -n 1 numbers; cat numbers | wc -l', { at: watched })).toBe(
      '20000\n20000\n',
    );
    await mount.printed('<- RELEASE ');
    expect(mount.output.stderr).toMatch(/<- OPEN .*\n/);
    expect(mount.output.stderr).not.toMatch(/<- (READ|FLUSH) /);
  });

  test.each(['9P2000.L', '9P2000.u'])('has pipes and sockets in %s', async (dialect) => {
    const place = join(site.directory, dialect);
    await site.shell(`mkdir ${place}`, { at: '/' });
    await site.mount(place, ['--dialect', dialect]);
    const told = await site.shell(
      `mkfifo -m 600 p; (echo through >p &); cat p; stat -c '%F %a' p; rm p; mkfifo p; mv p q; rm q; ls
      ${process.execPath} -e '
      const { createServer, connect } = require("node:net");
      const server = createServer((socket) => socket.end("heard")).listen("s", () => {
        connect("s").on("data", (data) => console.log(String(data))).on("close", () => server.close());
      });'; ls`,
      { at: place },
    );
    expect(told).toMatch(/^through\nfifo 600\n(?:.*\n)*heard\n/);
    expect(told).not.toMatch(/^[pqs]$/m);
  });

  test('is excluded by the locks of another mount', async () => {
    const other = join(site.directory, 'other');
    await site.shell(`mkdir ${other}`, { at: '/' });
    await site.mount(other);
    const holder = site.start('sh', ['-c', 'exec 9>lock; flock 9; echo held; exec sleep 600']);
    await holder.printed('held');
    const tried = await site.run('flock', ['-n', 'lock', 'echo', 'mine'], { at: other });
    expect(tried).toMatchObject({ status: 1, stdout: '' });
    const waiting = site.start('flock', ['lock', 'echo', 'mine now'], { at: other });
    holder.child.kill('SIGKILL');
    expect(await waiting.result).toMatchObject({ status: 0, stdout: 'mine now\n' });
  });

  test.skipIf(lacksProgram('python3'))(
    'has the locks of who reads until he closes the file',
    async () => {
      const told = await site.shell(`echo x > read; python3 - <<'END'
import errno, fcntl, os
def lock(kind):
    # A process of its own: locks of one never exclude each other.
    child = os.fork()
    if child == 0:
        try: fcntl.lockf(os.open('read', os.O_RDWR), kind | fcntl.LOCK_NB)
        except OSError as error: os._exit(error.errno)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
reader = os.open('read', os.O_RDONLY)
fcntl.lockf(reader, fcntl.LOCK_SH)
print(errno.errorcode.get(lock(fcntl.LOCK_EX)), lock(fcntl.LOCK_SH))
os.close(reader)
print(lock(fcntl.LOCK_EX))
END`);
      expect(told).toBe('EAGAIN 0\n0\n');
    },
  );
});
