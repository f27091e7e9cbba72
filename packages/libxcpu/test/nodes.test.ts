import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveNodes, SetupError, UsageError } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'xcpu-nodes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function mapFile(text: string) {
  const path = join(folder, 'nodes');
  writeFileSync(path, text);
  return { env: { XCPU_NODES_FILE: path } };
}

describe('resolveNodes', () => {
  it('gives names their addresses and leaves the others to the resolver', () => {
    const options = mapFile('n8=10.0.0.8!7000\nn9=tcp!fd00::9\n');
    expect(resolveNodes('n[8-10]', options)).toEqual([
      { name: 'n8', host: '10.0.0.8', port: 7000, mapped: true },
      { name: 'n9', host: 'fd00::9', port: 6668, mapped: true },
      { name: 'n10', host: 'n10', port: 6668 },
    ]);
  });

  it("takes the user out of the name, and the user's port for the map's", () => {
    const options = mapFile('n8=10.0.0.8!7000\n');
    expect(resolveNodes('bob@n8!7001', options)).toEqual([
      { name: 'n8!7001', host: '10.0.0.8', port: 7001, user: 'bob', mapped: true },
    ]);
  });

  it('reports all errors of the map with their lines', () => {
    const options = mapFile('n8\n\nn9=\nn10=h\n');
    const file = options.env.XCPU_NODES_FILE;
    expect(() => resolveNodes('n8', options)).toThrow(SetupError);
    expect(() => resolveNodes('n8', options)).toThrow(
      new RegExp(`^${file}:1: .*\n${file}:3: [^\n]*$`),
    );
  });

  it('wants a named map to exist, and does without one that was not named', () => {
    const missing = join(folder, 'missing');
    const env = { XCPU_NODES_FILE: missing };
    expect(() => resolveNodes('n8', { env })).toThrow(`${missing}: no such file or directory`);
    mkdirSync(join(folder, 'home'), { recursive: true });
    expect(resolveNodes('n8', { env: {}, defaultPort: 20_003 })).toEqual([
      { name: 'n8', host: 'n8', port: 20_003 },
    ]);
  });

  it.each(['', 'n[3-1]', 'n[8'])('refuses %j', (text) => {
    expect(() => resolveNodes(text, mapFile(''))).toThrow(UsageError);
  });
});
