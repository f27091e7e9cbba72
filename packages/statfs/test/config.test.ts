import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '@xcpu/daemon';
import { afterAll, expect, it } from 'vitest';
import { readConfiguration } from '../src/config.js';

const folder = mkdtempSync(join(tmpdir(), 'xcpu-statfs-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const file = join(folder, 'nodes');
  writeFileSync(file, text);
  return file;
}

it('reads the file that is named, and else the node map', () => {
  const file = fileWith('n1=10.0.0.1 # first\nn2=tcp!10.0.0.2!7000\n');
  const names = (named: string | undefined, env = {}) =>
    readConfiguration(named, env).nodes.map(({ name }) => name);
  expect(names(file)).toEqual(['n1', 'n2']);
  expect(names(undefined, { XCPU_NODES_FILE: file })).toEqual(['n1', 'n2']);
  expect(readConfiguration(file).file).toBe(file);
});

it('reports all that is wrong, by file and line', () => {
  const file = fileWith('n1\nn2=a\nn2=b\n');
  expect(() => readConfiguration(file)).toThrow(StartError);
  expect(() => readConfiguration(file)).toThrow(
    `${file}:1: expected name=[tcp!]host[!port], found "n1"\n${file}:3: node "n2" is named twice`,
  );
});

it.each([
  ['# nobody\n', 'names no nodes'],
  ['', 'names no nodes'],
])('refuses %j', (text, reason) => {
  expect(() => readConfiguration(fileWith(text))).toThrow(reason);
});

it('names a file that it cannot read', () => {
  const missing = join(folder, 'missing');
  expect(() => readConfiguration(missing)).toThrow(
    `${missing}: cannot be read: no such file or directory`,
  );
});
