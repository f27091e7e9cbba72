import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mount } from '../../src/client/index.js';
import {
  connectUnix,
  dial,
  type Listener,
  listen,
  listenUnix,
  type Transport,
} from '../../src/index.js';
import { Server, serveTree } from '../../src/server/index.js';
import { deferred } from '../support/ledger.js';

let folder: string;
let path: string;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unix-'));
  path = join(folder, 's');
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true, force: true });
});

describe('a Unix socket', () => {
  it('carries bytes both ways, names both ends, and goes away with its listener', async () => {
    const accepted = deferred<Transport>();
    const listener = await listenUnix({ path }, accepted.resolve);
    expect(listener.address).toBe(`unix!${path}`);
    const client = await connectUnix({ path });
    const server = await accepted.promise;
    cleanups.push(
      () => client.destroy(),
      () => server.destroy(),
    );
    expect(client.peer).toEqual({ address: `unix!${path}`, group: path });
    expect(server.peer).toEqual({ address: `unix!${path}`, group: path });
    const heard = deferred<string>();
    server.start({ data: (chunk) => heard.resolve(chunk.toString()), drain() {}, close() {} });
    client.start({ data() {}, drain() {}, close() {} });
    client.send([Buffer.from('a'), Buffer.from('b')]);
    expect(await heard.promise).toBe('ab');
    await listener.close();
    expect(existsSync(path)).toBe(false);
    await expect(connectUnix({ path })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('has the permissions that were asked for, and the umask is as before', async () => {
    const umask = process.umask();
    for (const mode of [0o600, 0o666, 0o770]) {
      const listener = await listenUnix({ path, mode }, () => {});
      expect(statSync(path).mode & 0o777).toBe(mode);
      expect(process.umask()).toBe(umask);
      await listener.close();
    }
  });

  it('that a dead server left behind is replaced, nothing else', async () => {
    await leaveBehind(path);
    expect(statSync(path).isSocket()).toBe(true);
    const listener = await listenUnix({ path }, (transport) => transport.destroy());
    cleanups.push(() => listener.close());
    await expect(listenUnix({ path }, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    await expect(listenUnix({ path: file }, () => {})).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    expect(statSync(file).size).toBe(8);
    await expect(listenUnix({ path: join(folder, 'no/s') }, () => {})).rejects.toMatchObject({
      code: 'EACCES',
    });
  });

  it('is given up when the signal aborts', async () => {
    const signal = AbortSignal.abort(new Error('no time'));
    await expect(connectUnix({ path, signal })).rejects.toThrow('no time');
  });
});

describe('dial and listen', () => {
  const served = async (address: string): Promise<Listener> => {
    const server = new Server(serveTree({ motd: 'hello' }));
    const listener = await listen(address, (transport) => server.accept(transport), {
      mode: 0o600,
    });
    cleanups.push(
      () => server.close(),
      () => listener.close(),
    );
    return listener;
  };

  it.each(['tcp!127.0.0.1!0', '127.0.0.1:0', 'unix!PATH'])('meet at %s', async (address) => {
    const listener = await served(address.replace('PATH', path));
    const files = await mount(await dial(listener.address), { uname: 'me' });
    expect(await files.readFile('motd', 'utf8')).toBe('hello');
    files.close();
  });

  it('meet at every address of this machine', async () => {
    const listener = await served('tcp!*!0');
    const port = listener.address.split('!')[1];
    const files = await mount(await dial(`127.0.0.1:${port}`), { uname: 'me' });
    files.close();
    await expect(dial(`tcp!*!${port}`)).rejects.toThrow('* is for listening');
  });
});

/** A socket's file without a listener, as a killed server leaves it. */
async function leaveBehind(at: string): Promise<void> {
  const { linkSync, renameSync } = await import('node:fs');
  const server = createServer().listen(at);
  await new Promise((resolve) => server.once('listening', resolve));
  linkSync(at, `${at}.kept`);
  await new Promise((resolve) => server.close(resolve));
  renameSync(`${at}.kept`, at);
}
