import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decode, MessageType, type RMessage, type TMessage } from '@xcpu/9p-protocol';

/** One recorded run of a historic client: what it sent and was answered, in the order of the wire. */
export interface Transcript {
  readonly name: string;
  readonly events: readonly Event[];
  readonly meta: Meta | undefined;
}

/** How the client was started and what it printed; runs with two servers have it with the first only. */
export interface Meta {
  readonly name: string;
  readonly argv: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Event =
  | { readonly kind: 'open' | 'close'; readonly connection: number }
  | {
      readonly kind: 'request';
      readonly connection: number;
      readonly message: TMessage;
      /** The message as it was sent. */
      readonly frame: Buffer;
    }
  | {
      readonly kind: 'reply';
      readonly connection: number;
      readonly message: RMessage;
      /** The request that it answers: an index into the events. */
      readonly of: number;
    };

const DIRECTORY = fileURLToPath(new URL('../vectors/', import.meta.url));

/** The names of all transcripts. */
export function transcriptNames(): string[] {
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.jsonl'));
  return files.map((file) => file.slice(0, -'.jsonl'.length)).sort();
}

/** @throws Error if a message is not 9P2000.u, or a reply has no request */
export function readTranscript(name: string): Transcript {
  const lines = readFileSync(`${DIRECTORY}${name}.jsonl`, 'utf8').trimEnd().split('\n');
  const events: Event[] = [];
  const open = new Map<string, number>();
  for (const line of lines) {
    const record = JSON.parse(line) as { dir?: string; conn: number; hex?: string; event?: string };
    const { conn: connection } = record;
    if (record.event) {
      events.push({ kind: record.event === 'open' ? 'open' : 'close', connection });
      continue;
    }
    const frame = Buffer.from(record.hex!, 'hex');
    const message = decode(frame, '9P2000.u');
    const key = `${connection} ${message.tag}`;
    if (record.dir === 'T') {
      open.set(key, events.length);
      events.push({ kind: 'request', connection, message: message as TMessage, frame });
    } else {
      const of = open.get(key);
      if (of === undefined) throw new Error(`${name}: a reply with tag ${message.tag} to nothing`);
      open.delete(key);
      events.push({ kind: 'reply', connection, message: message as RMessage, of });
    }
  }
  return { name, events, meta: readMeta(name) };
}

/** What `procs` read as in a transcript; empty where nobody read it. */
export function recordedProcs({ events }: Transcript): string {
  for (const event of events) {
    if (event.kind !== 'reply' || event.message.type !== MessageType.Rread) continue;
    const text = Buffer.from(event.message.data).toString();
    if (text.startsWith('(pid ')) return text;
  }
  return '';
}

function readMeta(name: string): Meta | undefined {
  try {
    return JSON.parse(readFileSync(`${DIRECTORY}${name}.meta.json`, 'utf8')) as Meta;
  } catch {
    return undefined;
  }
}
