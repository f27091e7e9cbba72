import { expect, it } from 'vitest';
import { inspectFile } from '../../src/ship/local-file.js';
import { scriptStart } from '../../src/ship/script.js';
import { treeOf } from './trees.js';

function start(text: string) {
  const tree = treeOf({ script: text });
  return scriptStart(inspectFile(tree.local('/script')));
}

it.each([
  ['#!/bin/sh\necho', '/bin/sh', []],
  ['#! /usr/bin/python3  -S -u \nprint', '/usr/bin/python3', ['-S -u']],
  ['#!\t/bin/sh', '/bin/sh', []],
  ['#!/usr/bin/env python3\n', 'python3', []],
  ['#!/usr/bin/env -S python3 -S -u\n', 'python3', ['-S', '-u']],
])('reads %j as execve and env do', (text, interpreter, args) => {
  expect(start(text)).toEqual({ interpreter, args });
});

it.each(['', 'echo', '# !/bin/sh', '\x7fELF'.slice(1)])('knows that %j is none', (text) => {
  expect(start(text)).toBeUndefined();
});

it.each([
  ['#!\n', 'names no interpreter'],
  [`#!/bin/${'x'.repeat(300)}`, 'too long'],
  ['#!/usr/bin/env\n', 'name the interpreter'],
  ['#!/usr/bin/env -i sh\n', 'name the interpreter'],
  ['#!/usr/bin/env -S A=1 sh\n', 'name the interpreter'],
  ['#!/usr/bin/env -S sh "a b"\n', 'name the interpreter'],
])('refuses %j', (text, reason) => {
  expect(() => start(text)).toThrow(reason);
});
