import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Dialect, decode, encode, MessageType } from '../src/index.js';

const folder = new URL('../../../test/vectors/', import.meta.url);
const transcripts = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));

describe('what the historic C programs said', () => {
  it('is there to compare with', () => {
    expect(transcripts.length).toBeGreaterThan(30);
  });

  it.each(transcripts)('%s is read, and written again byte for byte', (name) => {
    const dialects = new Map<number, Dialect>();
    for (const { conn, hex } of messagesOf(name)) {
      const frame = Buffer.from(hex, 'hex');
      const dialect = dialects.get(conn) ?? '9P2000';
      const message = decode(frame, dialect);
      if (message.type === MessageType.Rversion) dialects.set(conn, message.version as Dialect);
      // The statfs client leaves n_uname out of its Tauth: written in the dialect that has none.
      const short = name.startsWith('statfs') && message.type === MessageType.Tauth;
      const written = encode(message, short ? '9P2000' : dialect);
      expect(written.toString('hex')).toBe(hex);
    }
  });
});

function messagesOf(name: string): { conn: number; hex: string }[] {
  return readFileSync(new URL(name, folder), 'utf8')
    .split('\n')
    .filter((line) => line)
    .map((line) => JSON.parse(line) as { conn: number; hex?: string })
    .filter((entry): entry is { conn: number; hex: string } => entry.hex !== undefined);
}
