import { FrameReader, MessageType, type Transport } from '@xcpu/9p-protocol';
import { jobExitStatus, run, userLogin } from '@xcpu/libxcpu';
import { clientFiles } from '../../packages/xrx/src/client-files.js';
import type { Cluster } from '../../scripts/lib/cluster.mjs';

/** How many requests of each type a node sent, by its name (`Twalk`). */
export type RequestCounts = ReadonlyMap<string, number>;

/**
 * Runs a program on the cluster's first node as xrx does by default, and counts what the node asks for of the user's
 * files until the program's end.
 *
 * @throws Error if it does not end with 0
 */
export async function countRequests(
  cluster: Cluster,
  words: readonly string[],
): Promise<RequestCounts> {
  const { folder, nodes, port, user } = cluster;
  const login = await userLogin({ user: user.name, keyFile: `${folder}/user_key` });
  const files = await clientFiles({}, login.key?.file);
  const counts = new Map<string, number>();
  const target = { name: 'n1', host: nodes[0]?.address ?? '', port };
  const job = await run([target], words, {
    login,
    ...files,
    files: (channel) => files.files({ ...channel, transport: counted(channel.transport, counts) }),
    sink: () => {},
  });
  const results = await job.result;
  if (jobExitStatus(results) !== 0) throw new Error(`${words.join(' ')} failed`);
  return counts;
}

/** The same transport, whose messages are counted as they come. */
function counted(transport: Transport, counts: Map<string, number>): Transport {
  const reader = new FrameReader(LARGEST);
  const start: Transport['start'] = (events) =>
    transport.start({
      data: (chunk) => {
        reader.push(chunk, ({ [TYPE_AT]: type }) => {
          const name = NAMES.get(type ?? 0) ?? 'unknown';
          counts.set(name, (counts.get(name) ?? 0) + 1);
        });
        events.data(chunk);
      },
      drain: () => events.drain(),
      close: (error) => events.close(error),
    });
  return new Proxy(transport, {
    get: (target, name) => {
      if (name === 'start') return start;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Larger than any message that is agreed on. */
const LARGEST = 64 * 1024 * 1024;
/** Where in a message its type is: intro(5). */
const TYPE_AT = 4;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(MessageType).map(([name, number]) => [number, name]),
);
