import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSite, lacksNodeRoots } from './support.js';

describe.skipIf(lacksNodeRoots('python3'))('on the user’s own files', () => {
  let site: FileSite;

  beforeAll(async () => {
    site = await FileSite.start(1);
  });
  afterAll(() => site?.stop());

  test('programs talk through a named pipe', async () => {
    const told = await site.shell(`umask 027; mkfifo f ./-m; stat -c '%F %a' f
    (echo hi >f &); cat f; (cat <f >got &); for i in 1 2 3; do echo $i; done >f; while [ ! -s got ]; do sleep 0.1; done
    cat got; mkfifo f 2>&1 || echo refused; rm ./-m`);
    expect(told).toBe(
      `fifo 640\nhi\n1\n2\n3\nmkfifo: cannot create fifo 'f': File exists\nrefused\n`,
    );
    const stats = await lstat(join(site.home, 'f'));
    expect(stats.isFIFO()).toBe(true);
    expect(stats.mode & 0o777).toBe(0o640);
    expect((await readdir(site.home)).filter((name) => name.startsWith('.9p-'))).toEqual([]);
  });

  test('a pipe of the user’s is one of the node’s kernel', async () => {
    site.local('mkfifo mine');
    expect(await site.shell('(echo there >mine &); cat mine')).toBe('there\n');
  });

  test('programs talk through a socket, in /tmp and at home', async () => {
    await site.write(
      'sockets.py',
      `import os, socket, stat, sys, tempfile
for place in tempfile.mkdtemp(), os.getcwd():
    path = place + '/socket'
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    if os.fork() == 0:
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        client.sendall(b'hello')
        os._exit(0)
    with server.accept()[0] as peer:
        print(peer.recv(100), stat.S_ISSOCK(os.stat(path).st_mode))
    os.wait()
    try:
        socket.socket(socket.AF_UNIX).bind(path)
    except OSError as error:
        print(error)
    server.close()
    try:
        socket.socket(socket.AF_UNIX).connect(path)
    except OSError as error:
        print(error)
    os.unlink(path)
    if place != os.getcwd(): os.rmdir(place)
`,
    );
    const place = `b'hello' True\n[Errno 98] Address already in use\n[Errno 111] Connection refused\n`;
    expect(await site.shell('/usr/bin/python3 sockets.py')).toBe(place.repeat(2));
  });

  test('a socket is reached under every name that it gets, as ssh’s control socket is', async () => {
    await site.write(
      'names.py',
      `import os, socket
def reach(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        print(path)
server = socket.socket(socket.AF_UNIX)
server.bind('first')
server.listen()
os.rename('first', 'renamed')
reach('renamed')
os.link('renamed', 'linked')
os.unlink('renamed')
reach('linked')
`,
    );
    expect(await site.shell('/usr/bin/python3 names.py')).toBe('renamed\nlinked\n');
  });

  test('multiprocessing.Manager of Python works', async () => {
    await site.write(
      'manager.py',
      `import multiprocessing
def work(shared, number):
    shared[number] = number * number
if __name__ == '__main__':
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        workers = [multiprocessing.Process(target=work, args=(shared, n)) for n in range(4)]
        for worker in workers: worker.start()
        for worker in workers: worker.join()
        print(sorted(shared.items()))
`,
    );
    expect(await site.shell('/usr/bin/python3 manager.py')).toBe(
      '[(0, 0), (1, 1), (2, 4), (3, 9)]\n',
    );
  });

  test('no device is made', async () => {
    const { stderr, status } = await site.xrx(['n1', 'mknod', 'null', 'c', '1', '3']);
    expect(stderr).toMatch(/Operation not permitted/);
    expect(status).not.toBe(0);
  });
});
