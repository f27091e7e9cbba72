import { chmodSync } from 'node:fs';
import type { Arch } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import { planShipment, type ShipPlan, type ShipRequest } from '../../src/ship/plan.js';
import { AARCH64, elfFile, I386, loaderFile } from './elf-builder.js';
import { Link, treeOf } from './trees.js';

const NODE: Arch = { system: 'Linux', machine: 'x86_64' };
const LOADER = '/lib64/ld-linux-x86-64.so.2';
const DYNAMIC = elfFile({ interpreter: LOADER, needed: ['libx.so'], runpath: '$ORIGIN/../lib' });
const SYSTEM = { [LOADER]: loaderFile(), 'lib/libx.so': elfFile() };

type Files = Parameters<typeof treeOf>[0];

function plan(files: Files, request: Partial<ShipRequest> = {}): ShipPlan {
  const tree = treeOf({ ...SYSTEM, ...files });
  return planShipment({ program: '/bin/prog', tree, arch: NODE, path: '/bin', ...request });
}

function names({ files, directories }: ShipPlan): string[] {
  return [...directories.map((name) => `${name}/`), ...files.map(({ name }) => name)].sort();
}

function launcher({ files, run }: ShipPlan): string {
  return String(files.find(({ name }) => name === run)!.source);
}

describe('a program', () => {
  it('goes with its loader and libraries, and a script that starts it', () => {
    const shipped = plan({ 'bin/prog': DYNAMIC });
    expect(names(shipped)).toEqual([
      ...['bin/', 'bin/prog', 'lib/', 'lib/ld-linux-x86-64.so.2', 'lib/libx.so', 'run'],
    ]);
    expect(launcher(shipped)).toBe(
      `#!/bin/sh\nexec "\${0%/*}"'/lib/ld-linux-x86-64.so.2' '--argv0' '/bin/prog' '--library-path' "\${0%/*}"'/lib' "\${0%/*}"'/bin/prog' "$@"\n`,
    );
    expect(shipped.bytes).toBe(shipped.files.reduce((sum, { size }) => sum + size, 0));
    expect(shipped.notes).toEqual([]);
  });

  it('has the name of its file there where its loader cannot give it one', () => {
    const old = loaderFile({ more: '--library-path' });
    expect(launcher(plan({ [LOADER]: old, 'bin/prog': DYNAMIC }))).not.toContain('argv0');
    const none = loaderFile({ more: 'nothing' });
    expect(() => plan({ [LOADER]: none, 'bin/prog': DYNAMIC })).toThrow(
      'link the program statically',
    );
  });

  it('goes by itself if it is static', () => {
    const shipped = plan({ 'bin/-my prog': elfFile() }, { program: '-my prog' });
    expect(shipped.run).toBe('-my prog');
    expect(names(shipped)).toEqual(['-my prog']);
  });

  it('gives nobody rights', () => {
    const tree = treeOf({ 'bin/prog': elfFile() });
    chmodSync(tree.local('/bin/prog'), 0o6711);
    const [file] = planShipment({ program: '/bin/prog', tree, arch: NODE }).files;
    expect(file!.mode).toBe(0o711);
  });

  it('is looked for on the PATH, past what cannot be run', () => {
    const tree = treeOf({ 'a/prog/file': '', 'b/prog': 'text', 'c/prog': elfFile() });
    chmodSync(tree.local('/b/prog'), 0o644);
    const request = { program: 'prog', tree, arch: NODE, path: '/a:/b:/c' };
    expect(names(planShipment(request))).toEqual(['prog']);
  });

  it.each([
    ['/bin/none', /^\/bin\/none: not found, nor in/],
    ['none', /^none: not found on the PATH/],
    ['/bin', /is a directory: -e PROGRAM/],
    ['/bin/text', /neither an ELF program nor a script/],
    ['/bin/half', /half: a damaged ELF file: it is cut off/],
    ['/bin/arm', /arm is for aarch64, the node is x86_64: one for it is wanted in/],
    ['/bin/lost', /^libnone\.so: no such library in .*; .*\/bin\/lost needs it$/],
    ['/bin/loop', /too many interpreters that are scripts/],
  ])('%s is refused with the reason', (program, reason) => {
    const files = {
      'bin/text': 'text',
      'bin/half': elfFile().subarray(0, 40),
      'bin/arm': elfFile({ machine: AARCH64 }),
      'bin/lost': elfFile({ interpreter: LOADER, needed: ['libnone.so'] }),
      'bin/loop': '#!/bin/loop\n',
    };
    expect(() => plan(files, { program })).toThrow(reason);
  });

  it('that the nodes run beside their own kind is shipped', () => {
    expect(names(plan({ 'bin/prog': elfFile({ bits: 32, machine: I386 }) }))).toEqual(['prog']);
  });
});

describe('a script', () => {
  it('goes with its interpreter', () => {
    const shipped = plan(
      { 'bin/my': '#!/usr/bin/env -S prog -x\n', 'bin/prog': DYNAMIC },
      { program: 'my' },
    );
    expect(names(shipped)).toContain('bin/my');
    expect(launcher(shipped)).toContain(`'--argv0' 'prog'`);
    expect(launcher(shipped)).toContain(`'/bin/prog' '-x' "\${0%/*}"'/bin/my' "$@"`);
    expect(shipped.notes[0]).toContain('my is a script: prog is shipped');
  });

  it('of the same name as its interpreter is another file', () => {
    const files = { 'bin/prog': '#!/opt/prog\n', 'opt/prog': elfFile() };
    const shipped = plan(files);
    expect(names(shipped)).toEqual(['bin/', 'bin/2/', 'bin/2/prog', 'bin/prog', 'run']);
    expect(launcher(shipped)).toBe(
      `#!/bin/sh\nexec "\${0%/*}"'/bin/2/prog' "\${0%/*}"'/bin/prog' "$@"\n`,
    );
  });
});

describe('a directory', () => {
  const request = { program: '/opt', inside: 'bin/prog' };

  it('goes with all that is in it, links as what they lead to', () => {
    const shipped = plan(
      {
        'opt/bin/prog': DYNAMIC,
        'opt/lib/libx.so': new Link('libx.so.1'),
        'opt/lib/libx.so.1': elfFile(),
        'opt/share/data': 'data',
        'opt/more': new Link('/elsewhere'),
        'elsewhere/file': 'more',
        'opt/share/again': new Link('../..'),
        'opt/share/around': new Link('..'),
        'opt/gone': new Link('nowhere'),
      },
      request,
    );
    expect(names(shipped).filter((name) => !name.includes('again'))).toEqual([
      'lib/',
      'lib/ld-linux-x86-64.so.2',
      'run',
      'tree/',
      ...['tree/bin/', 'tree/bin/prog', 'tree/lib/', 'tree/lib/libx.so', 'tree/lib/libx.so.1'],
      ...['tree/more/', 'tree/more/file', 'tree/share/', 'tree/share/data'],
    ]);
    expect(launcher(shipped)).toContain(
      `'--argv0' "\${0%/*}"'/tree/bin/prog' '--library-path' "\${0%/*}"'/lib:'"\${0%/*}"'/tree/lib'`,
    );
    expect(shipped.notes[0]).toMatch(/^not shipped: \/opt\/gone and \d+ more/);
  });

  it('with a library that is not in it goes with that, too', () => {
    const shipped = plan({ 'opt/bin/prog': DYNAMIC, 'opt/share/empty/.keep': '' }, request);
    expect(names(shipped)).toContain('lib/libx.so');
    expect(names(shipped)).toContain('tree/share/empty/');
  });

  it('with a script goes with the interpreter', () => {
    const shipped = plan({ 'opt/bin/prog': '#!/opt/bin/sh\n', 'opt/bin/sh': elfFile() }, request);
    expect(launcher(shipped)).toBe(
      `#!/bin/sh\nexec "\${0%/*}"'/tree/bin/sh' "\${0%/*}"'/tree/bin/prog' "$@"\n`,
    );
  });

  it.each([
    ['bin/none', 'not found'],
    ['../bin/prog', 'not a path in /opt'],
    ['/bin/prog', 'not a path in /opt'],
    ['bin', 'is a directory'],
  ])('is refused with -e %s', (inside, reason) => {
    const files = { 'opt/bin/prog': DYNAMIC, 'bin/prog': DYNAMIC };
    expect(() => plan(files, { ...request, inside })).toThrow(reason);
  });
});
