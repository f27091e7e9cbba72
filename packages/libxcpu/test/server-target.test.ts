import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseServerTarget } from '../src/files/index.js';
import { SetupError, UsageError } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), '9p-target-'));
const nodes = join(folder, 'nodes');
writeFileSync(nodes, 'n8=10.0.0.8!7000\nn9=10.0.0.9\n');
afterAll(() => rmSync(folder, { recursive: true }));

const parse = (text: string) => parseServerTarget(text, { XCPU_NODES_FILE: nodes });
const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });

it.each([
  ['n8', tcp('10.0.0.8', 7000), 'n8'],
  ['n9', tcp('10.0.0.9', 6668), 'n9'],
  ['n9!564', tcp('10.0.0.9', 564), 'n9!564'],
  ['n9:564', tcp('10.0.0.9', 564), 'n9!564'],
  ['fs', tcp('fs', 6668), 'fs'],
  ['fs:564', tcp('fs', 564), 'fs!564'],
  ['tcp!fs!564', tcp('fs', 564), 'fs!564'],
  ['net!fs!9fs', tcp('fs', 564), 'fs!564'],
  ['tcp!fs!9pfs', tcp('fs', 564), 'fs!564'],
  ['fs:9fs', tcp('fs', 564), 'fs!564'],
  ['127.0.0.1:5640', tcp('127.0.0.1', 5640), '127.0.0.1!5640'],
  ['::1', tcp('::1', 6668), '[::1]'],
  ['[::1]:564', tcp('::1', 564), '[::1]!564'],
  ['tcp!::1!564', tcp('::1', 564), '[::1]!564'],
  ['/run/files', { kind: 'unix', path: '/run/files' }, 'unix!/run/files'],
  ['./files', { kind: 'unix', path: './files' }, 'unix!./files'],
  ['unix!files', { kind: 'unix', path: 'files' }, 'unix!files'],
])('%s is %j, called %s', (text, address, name) => {
  expect(parse(text)).toEqual({ address, name, isNode: expect.any(Boolean) });
});

it.each([
  ['n8', true],
  ['alice@n9:564', true],
  ['fs', true],
  ['fs!6668', true],
  ['fs:564', false],
  ['10.0.0.8!7000', false],
  ['/run/files', false],
])('%s is a node: %j', (text, isNode) => {
  expect(parse(text).isNode).toBe(isNode);
});

it('takes who logs in from the address', () => {
  expect(parse('alice@n8')).toMatchObject({ user: 'alice', name: 'n8' });
  expect(parse('alice@net!n9!9fs')).toMatchObject({ user: 'alice', address: { port: 564 } });
});

it.each(['n[8-9]', 'n8,n9', '', 'unix!', 'fs:', 'fs:http', 'fs!0', 'a b', 'tcp!a!1!2'])(
  '%j is no address',
  (text) => {
    expect(() => parse(text)).toThrow(UsageError);
  },
);

it('names what is wrong with the node map', () => {
  const env = { XCPU_NODES_FILE: join(folder, 'none') };
  expect(() => parseServerTarget('n8', env)).toThrow(SetupError);
  expect(parseServerTarget('/run/files', env)).toMatchObject({ name: 'unix!/run/files' });
});
