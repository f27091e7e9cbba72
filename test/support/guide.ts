import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { Program } from './program.js';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A program that a document shows. */
export interface Example {
  /** The heading that it stands under. */
  readonly section: string;
  /** Which line of the document it begins at. */
  readonly line: number;
  readonly code: string;
  /** `server` runs on while the others of its section run. */
  readonly kind: 'runnable' | 'server';
  /** What it prints, undefined where the document does not say. */
  readonly output: string | undefined;
}

/**
 * The TypeScript of a document of Markdown: blocks that begin with ```` ```ts runnable ```` or ```` ```ts server ````,
 * each with the output that a block without a language right behind it shows.
 * @throws Error for TypeScript that is not marked as either
 */
export function examplesOf(markdown: string): Example[] {
  const examples: Example[] = [];
  let section = '';
  let fence: { info: string; line: number; text: string } | undefined;
  let before: Example | undefined;
  markdown.split('\n').forEach((line, index) => {
    if (fence && line === '```') {
      before = endBlock(examples, section, fence, before);
      fence = undefined;
    } else if (fence) {
      fence.text += `${line}\n`;
    } else if (line.startsWith('```')) {
      fence = { info: line.slice(3), line: index + 1, text: '' };
    } else if (line !== '') {
      before = undefined;
      if (/^#+ /.test(line)) section = line.replace(/^#+ /, '');
    }
  });
  return examples;
}

function endBlock(
  examples: Example[],
  section: string,
  { info, line, text }: { info: string; line: number; text: string },
  before: Example | undefined,
): Example | undefined {
  if (info === '' && before) {
    examples[examples.length - 1] = { ...before, output: text };
    return undefined;
  }
  const [language, kind] = info.split(' ');
  if (language !== 'ts') return undefined;
  if (kind !== 'runnable' && kind !== 'server') {
    throw new Error(`line ${line}: an example that no test runs`);
  }
  const example = { section, line, code: text, kind, output: undefined } as const;
  examples.push(example);
  return example;
}

/** A directory in which the programs of documents run, and find the packages as they were built. */
export class Workshop {
  readonly path: string;
  readonly #running: Program[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Workshop> {
    const path = await mkdtemp(join(tmpdir(), 'examples-'));
    await symlink(join(ROOT, 'node_modules'), join(path, 'node_modules'));
    await writeFile(join(path, 'package.json'), '{ "type": "module" }\n');
    return new Workshop(path);
  }

  /** What the compiler says of the programs; nothing if their types are right. */
  async typeErrors(examples: readonly Example[]): Promise<string> {
    const folder = join(this.path, 'types');
    await mkdir(folder);
    const options = { noEmit: true, composite: false, customConditions: [] };
    const base = join(ROOT, 'tsconfig.base.json');
    const config = { extends: base, compilerOptions: options, include: ['*.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    for (const { line, code } of examples) {
      await writeFile(join(folder, `line-${line}.ts`), `${code}export {};\n`);
    }
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    return this.#start(compiler, ['-p', folder]).ends();
  }

  /**
   * Runs a program to its end, or a server until it has printed as much as the document shows.
   * @param host stands in for 127.0.0.1, so that nothing else is in the way of its port
   * @returns what it printed, all of its errors included
   */
  async run({ code, kind, line, output = '' }: Example, host: string): Promise<string> {
    const script = join(this.path, `line-${line}.mjs`);
    const compiled = await transform(code, { loader: 'ts', format: 'esm', target: 'node20' });
    await writeFile(script, compiled.code.replaceAll('127.0.0.1', host));
    const program = this.#start(script, []);
    const printed = await (kind === 'server'
      ? program.prints(output.replaceAll('127.0.0.1', host))
      : program.ends());
    return printed.replaceAll(host, '127.0.0.1');
  }

  /** Ends servers that are still running. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((program) => program.stop()));
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.path, { recursive: true });
  }

  #start(script: string, args: readonly string[]): Program {
    const program = new Program(script, args, this.path);
    this.#running.push(program);
    return program;
  }
}

/** A document of the repository. */
export function readDocument(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}
