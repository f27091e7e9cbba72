import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HttpService, serveHttp } from '../src/http.js';

let service: HttpService;
beforeEach(async () => {
  service = await serveHttp({ host: '127.0.0.1', port: 0 }, () => Buffer.from('m 1\n'));
});
afterEach(() => service.close());

const fetchPath = (path: string, init: RequestInit = {}) =>
  fetch(`http://${service.address}${path}`, init);

it('serves the metrics, and says what they are', async () => {
  const response = await fetchPath('/metrics?x=1');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toBe('m 1\n');
  const head = await fetchPath('/metrics', { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe('4');
  expect(await head.text()).toBe('');
});

it.each([
  ['/', 'GET', 404],
  ['/metrics/', 'GET', 404],
  ['/../etc/passwd', 'GET', 404],
  ['/metrics', 'POST', 405],
  ['/metrics', 'DELETE', 405],
])('refuses %s %s', async (path, method, status) => {
  const response = await fetchPath(path, { method });
  expect(response.status).toBe(status);
  await response.text();
});

it('lets nobody send headers without end', async () => {
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(Number(service.address.split(':')[1]), '127.0.0.1');
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(`GET /metrics HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
});

it('says what is in the way', async () => {
  const port = Number(service.address.split(':')[1]);
  await expect(serveHttp({ host: '127.0.0.1', port }, () => Buffer.alloc(0))).rejects.toThrow(
    /port taken: .*--http names another/,
  );
});

it('hangs up on whoever asks again before the answer is there', async () => {
  let made = 0;
  const large = Buffer.alloc(8 * 1024 * 1024);
  const other = await serveHttp({ host: '127.0.0.1', port: 0 }, () => {
    made++;
    return large;
  });
  try {
    const socket = connect(Number(other.address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
    socket.resume();
    await closed;
    expect(made).toBe(1);
  } finally {
    other.close();
  }
});

it('answers one request after the other on one connection', async () => {
  const socket = connect(Number(service.address.split(':')[1]), '127.0.0.1');
  for (let time = 0; time < 20; time++) {
    const answered = new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
  }
  socket.destroy();
});
