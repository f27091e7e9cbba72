import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SetupError } from '../../src/errors.js';
import { findProgram } from '../../src/ship/find-program.js';
import { loadedWith } from '../../src/ship/libraries.js';
import type { SourceTree } from '../../src/ship/source-tree.js';
import { cacheFile } from './cache-builder.js';
import { type ElfContents, elfFile, I386, loaderFile, S390 } from './elf-builder.js';
import { Link, treeOf } from './trees.js';

const LOADER = '/lib64/ld-linux-x86-64.so.2';

type Files = Parameters<typeof treeOf>[0];

function program(contents: ElfContents = {}): Buffer {
  return elfFile({ interpreter: LOADER, needed: ['libx.so'], ...contents });
}

function loaded(tree: SourceTree, path = '/bin/prog', libraryPath?: string) {
  const found = loadedWith(findProgram(path, tree), tree, libraryPath)!;
  return found.libraries.map(({ file }) => tree.named(file.path));
}

/** Where libx.so is found of all the places where it is. */
function found(files: Files, contents: ElfContents = {}, libraryPath?: string) {
  const tree = treeOf({ [LOADER]: loaderFile(), 'bin/prog': program(contents), ...files });
  return loaded(tree, '/bin/prog', libraryPath)[0];
}

const lib = elfFile({ soname: 'libx.so' });

it('finds what is needed by what is needed, each once and in the order of the loader', () => {
  const tree = treeOf({
    [LOADER]: loaderFile(),
    'bin/prog': program({ needed: ['liba.so', 'libb.so', 'libc.so.6'] }),
    'lib/liba.so': elfFile({ needed: ['libd.so', 'libb.so', 'libc.so.6'] }),
    'lib/libb.so': elfFile({ needed: ['liba.so', 'libd.so'] }),
    'lib/libc.so.6': elfFile({ soname: 'libc.so.6', needed: ['ld-linux-x86-64.so.2'] }),
    'lib/libd.so': elfFile({ needed: ['libe.so'] }),
    'lib/libe.so': elfFile(),
  });
  expect(loaded(tree).map((path) => basename(path!))).toEqual([
    ...['liba.so', 'libb.so', 'libc.so.6', 'libd.so', 'libe.so'],
  ]);
});

it('takes a static program as it is', () => {
  const tree = treeOf({ 'bin/prog': elfFile() });
  expect(loadedWith(findProgram('/bin/prog', tree), tree)).toBeUndefined();
});

it('follows links as they lead in the tree, and not out of it', () => {
  const tree = treeOf({
    'real/ld.so': loaderFile(),
    [LOADER]: new Link('/real/ld.so'),
    'bin/prog': new Link('../../../../opt/./prog'),
    'opt/prog': program(),
    usr: new Link('real'),
    'real/lib': new Link('/real/libraries'),
    'real/libraries/libx.so': new Link('libx.so.1.2'),
    'real/libraries/libx.so.1.2': lib,
  });
  expect(loaded(tree)).toEqual(['/real/libraries/libx.so.1.2']);
});

describe('looks', () => {
  it('in RPATH, LD_LIBRARY_PATH, RUNPATH, the cache and the usual directories', () => {
    const places = {
      'r/libx.so': lib,
      'e/libx.so': lib,
      'u/libx.so': lib,
      'etc/ld.so.cache': cacheFile([{ name: 'libx.so', path: '/c/libx.so' }]),
      'c/libx.so': lib,
      'lib/libx.so': lib,
    };
    expect(found(places, { rpath: '/n:/r' }, '/e')).toBe('/r/libx.so');
    expect(found(places, { runpath: '/u' }, '/e')).toBe('/e/libx.so');
    expect(found(places, { rpath: '/r', runpath: '/u' })).toBe('/u/libx.so');
    expect(found(places)).toBe('/c/libx.so');
    expect(found({ ...places, 'etc/ld.so.cache': '' })).toBe('/lib/libx.so');
    expect(() => found(places, { flags: 0x800 })).toThrow('no such library');
  });

  it('in RPATH of what needed the one that needs it, not in RUNPATH', () => {
    const files = (contents: ElfContents) =>
      treeOf({
        [LOADER]: loaderFile(),
        'bin/prog': program(contents),
        'r/libx.so': elfFile({ needed: ['liby.so'] }),
        'r/liby.so': elfFile(),
      });
    expect(loaded(files({ rpath: '/r' }))).toEqual(['/r/libx.so', '/r/liby.so']);
    expect(() => loaded(files({ runpath: '/r' }))).toThrow(
      /liby\.so: no such library.*libx\.so needs/,
    );
  });

  it('beside whoever needs it, and in what the system calls its libraries', () => {
    const own = { 'opt/libx.so': lib, 'opt/lib/x86_64-linux-gnu/libx.so': lib };
    expect(found(own, { runpath: '$ORIGIN/../opt' })).toBe('/opt/libx.so');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the loader's own variables
    expect(found(own, { runpath: '${ORIGIN}/../opt' })).toBe('/opt/libx.so');
    expect(found(own, { runpath: '/opt/$LIB' })).toBe('/opt/lib/x86_64-linux-gnu/libx.so');
    expect(found({ 'opt/x86_64/libx.so': lib }, { runpath: '/opt/$PLATFORM' })).toBe(
      '/opt/x86_64/libx.so',
    );
    expect(() => found({ 'opt/libx.so': lib }, { runpath: '$ORIGINAL/opt' })).toThrow(SetupError);
  });

  it('in what the configuration names where there is no cache', () => {
    const conf = { 'etc/ld.so.conf': 'include ld.so.conf.d/*.conf\n/two\n' };
    const one = { 'etc/ld.so.conf.d/a.conf': '# mine\n/one # here\n', 'two/libx.so': lib };
    expect(found({ ...conf, ...one, 'one/libx.so': lib })).toBe('/one/libx.so');
    expect(found({ ...conf, ...one })).toBe('/two/libx.so');
  });

  it('past files that are no libraries of its kind', () => {
    const places = {
      'a/libx.so': elfFile({ bits: 32, machine: I386 }),
      'b/libx.so': elfFile({ machine: S390, littleEndian: false }),
      'c/libx.so': 'a script of the linker\n',
      'd/libx.so/not/a/file': '',
      'e/libx.so': elfFile().subarray(0, 30),
      'f/libx.so': new Link('nowhere'),
      'g/libx.so': lib,
    };
    expect(found(places, { runpath: '/a:/b:/c:/d:/e:/f:/g' })).toBe('/g/libx.so');
    expect(() => found(places, { runpath: '/a' })).toThrow(/a\/libx\.so is for i686/);
  });

  it('as the loader of musl does', () => {
    const musl = '/lib/ld-musl-x86_64.so.1';
    const tree = treeOf({
      [musl]: loaderFile({ soname: 'libc.musl-x86_64.so.1' }),
      'etc/ld-musl-x86_64.path': '/one\n/two\n',
      'bin/prog': program({
        interpreter: musl,
        runpath: '/r',
        needed: ['libx.so', 'libc.musl-x86_64.so.1', 'libm.so', 'libc.so'],
      }),
      'r/libx.so': elfFile({ needed: ['liby.so'] }),
      'r/liby.so': elfFile({ needed: ['libz.so'] }),
      'two/libz.so': elfFile(),
      'lib/libz.so': elfFile(),
    });
    expect(loaded(tree)).toEqual(['/r/libx.so', '/r/liby.so', '/two/libz.so']);
  });

  it('for the other order of bytes', () => {
    const other = { machine: S390, littleEndian: false } as const;
    const tree = treeOf({
      '/lib/ld64.so.1': loaderFile(other),
      'bin/prog': program({ ...other, interpreter: '/lib/ld64.so.1' }),
      'etc/ld.so.cache': cacheFile([{ name: 'libx.so', path: '/c/libx.so' }], false),
      'c/libx.so': elfFile(other),
    });
    expect(loaded(tree)).toEqual(['/c/libx.so']);
  });
});

describe('a library that is needed by its place', () => {
  it('is found there', () => {
    expect(found({ 'opt/libx.so': lib }, { needed: ['/opt/libx.so'] })).toBe('/opt/libx.so');
    expect(found({ 'opt/libx.so': lib }, { needed: ['$ORIGIN/../opt/libx.so'] })).toBe(
      '/opt/libx.so',
    );
  });

  it('cannot be shipped beside another one of its name', () => {
    const needed = ['/a/libx.so', '/b/libx.so'];
    expect(() => found({ 'a/libx.so': lib, 'b/libx.so': lib }, { needed })).toThrow('only one');
    expect(found({ 'a/libx.so': lib, 'b/libx.so': new Link('/a/libx.so') }, { needed })).toBe(
      '/a/libx.so',
    );
  });
});

it('names what is missing, and who needs it', () => {
  expect(() => found({})).toThrow(/^libx\.so: no such library in .*; .*\/bin\/prog needs it$/);
  const tree = treeOf({ 'bin/prog': program() });
  expect(() => loaded(tree)).toThrow(`its loader ${LOADER} is not there in ${tree.root}`);
});
