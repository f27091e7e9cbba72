/**
 * How many RPCs a second one client gets from one server over loopback, each in its own process, against a bare TCP
 * echo between two Node processes in messages of the same size.
 *
 * The RPC is a read of 12 bytes: request and answer are 23 bytes each, so the echo really echoes. The echo cuts the
 * stream into frames by their size field on both sides, as any protocol over TCP must, and gives each caller a promise
 * of its own answer; it looks at nothing else. Like the library it sends what one turn of the loop has to say in one
 * write, for an echo that makes a system call for each message would be too easy to beat.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { connectTcp, listenTcp } from '@xcpu/9p-protocol';
import { attach, Client } from '@xcpu/9p-protocol/client';
import { Server, serveTree } from '@xcpu/9p-protocol/server';
import { median, type Row, report, times } from './lib/report.js';
import { ask, start, tell } from './lib/roles.js';
import { roundsFor } from './lib/rounds.js';

/** Many short ones: the two that are compared run one after the other, whatever else the machine does. */
const ROUNDS = roundsFor(25);
const ROUND_MS = 100;
const CONTENTS = 'twelve bytes';
const MESSAGE_SIZE = 23;

type Call = () => Promise<unknown>;
/** The parts that this file plays, each in a process of its own: one must not spoil what the other's engine learnt. */
type Role = 'serve-9p' | 'serve-echo' | 'call-9p' | 'call-echo';

const [role, port] = process.argv.slice(2) as [Role?, string?];
// Whoever started this process ended: so does it.
process.once('disconnect', () => process.exit());
switch (role) {
  case 'serve-9p':
    await serve9p();
    break;
  case 'serve-echo':
    await serveEcho();
    break;
  case 'call-9p':
    await callWhenAsked(await client9p(Number(port)));
    break;
  case 'call-echo':
    await callWhenAsked(await clientEcho(Number(port)));
    break;
  default:
    await compare();
}

async function compare(): Promise<void> {
  const play = (role: Role, ...words: string[]) => {
    return start(fileURLToPath(import.meta.url), [role, ...words]);
  };
  const server = await play('serve-9p');
  const echoServer = await play('serve-echo');
  const client = await play('call-9p', String(server.told));
  const echoClient = await play('call-echo', String(echoServer.told));
  report('rpc', [
    await row('one at a time', 1, 0.6, client.process, echoClient.process),
    await row('64 in flight', 64, 0.5, client.process, echoClient.process),
  ]);
  for (const { process } of [client, echoClient, server, echoServer]) process.disconnect();
}

async function row(
  what: string,
  inFlight: number,
  wanted: number,
  client: ChildProcess,
  echoClient: ChildProcess,
): Promise<Row> {
  const calls: number[] = [];
  const echoes: number[] = [];
  for (let round = -2; round < ROUNDS; round++) {
    const rates = [await ask(client, inFlight), await ask(echoClient, inFlight)] as const;
    if (round < 0) continue;
    calls.push(rates[0]);
    echoes.push(rates[1]);
  }
  const ratio = median(calls.map((perSecond, round) => perSecond / echoes[round]!));
  return {
    what,
    measured: rate(median(calls)),
    baseline: rate(median(echoes)),
    ratio: times(ratio),
    wanted: `≥ ${wanted}×`,
    met: ratio >= wanted,
  };
}

async function callWhenAsked(call: Call): Promise<void> {
  process.on('message', async (inFlight: number) => {
    tell(await callsPerSecond(call, inFlight));
  });
  tell('ready');
}

async function callsPerSecond(call: Call, inFlight: number): Promise<number> {
  const start = performance.now();
  const end = start + ROUND_MS;
  let count = 0;
  const caller = async () => {
    while (performance.now() < end) {
      await call();
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return (count / (performance.now() - start)) * 1000;
}

async function serve9p(): Promise<void> {
  const server = new Server(serveTree({ file: CONTENTS }));
  const listener = await listenTcp(addressOf(0), (transport) => server.accept(transport));
  tell(Number(listener.address.split('!')[1]));
}

async function client9p(port: number): Promise<Call> {
  const client = await Client.connect(await connectTcp(addressOf(port)));
  const root = await attach(client, { uname: 'bench' });
  const file = await root.walkOpen('file', 0);
  return () => file.read(0, CONTENTS.length);
}

async function serveEcho(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => onFrames(socket, batched(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  tell((server.address() as { port: number }).port);
}

async function clientEcho(port: number): Promise<Call> {
  const socket = connect({ ...addressOf(port), noDelay: true });
  await once(socket, 'connect');
  const waiting: ((frame: Buffer) => void)[] = [];
  let next = 0;
  onFrames(socket, (frame) => {
    waiting[next++]!(frame);
    if (next === waiting.length) {
      waiting.length = 0;
      next = 0;
    }
  });
  const send = batched(socket);
  const message = Buffer.alloc(MESSAGE_SIZE);
  message.writeUInt32LE(MESSAGE_SIZE);
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      send(message);
    });
}

/** Cuts what a socket receives into frames. */
function onFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest: Buffer | undefined;
  socket.on('data', (chunk: Buffer) => {
    const data = rest ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (data.length - at >= 4) {
      const size = data.readUInt32LE(at);
      if (data.length - at < size) break;
      onFrame(data.subarray(at, at + size));
      at += size;
    }
    rest = at < data.length ? data.subarray(at) : undefined;
  });
}

/** Sends the frames of one turn of the loop in one write. */
function batched(socket: Socket): (frame: Buffer) => void {
  let frames: Buffer[] = [];
  const flush = () => {
    socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
    frames = [];
  };
  return (frame) => {
    if (frames.length === 0) process.nextTick(flush);
    frames.push(frame);
  };
}

function addressOf(port: number): { host: string; port: number } {
  return { host: '127.0.0.1', port };
}

function rate(perSecond: number): string {
  return `${(perSecond / 1000).toFixed(1)}k RPC/s`;
}
