import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from '../paths.mjs';
import { parseText } from './text.mjs';

/**
 * @typedef {object} Option
 * @property {string} [short] as in `-w`
 * @property {string} [long] as in `--nodes`
 * @property {string} [value] name of its value, if it takes one
 * @property {readonly string[]} [choices] what that may be, where few words may
 * @property {string} text
 *
 * @typedef {object} Description what a command says of itself
 * @property {string} name as in `9p`; of a verb as in `9p ls`
 * @property {readonly string[]} usage what follows the name, one line for each form
 * @property {string} summary
 * @property {readonly Option[]} options
 * @property {boolean} stopsAtOperands what follows the first operand is no option of this command
 * @property {readonly import('./text.mjs').Section[]} sections what the help says below the options
 * @property {readonly Description[]} verbs where the help has a section `Verbs`
 * @property {string} version
 * @property {string} title the package's description
 */

/**
 * Describes commands by running each with `-h`, with a commander in it that tells what it is given: manual pages and
 * completions can so say nothing else than the help does.
 *
 * @param {readonly string[]} names of packages
 * @returns {Promise<Description[]>}
 */
export async function describeCommands(names) {
  const folder = await mkdtemp(join(tmpdir(), 'xcpu-describe-'));
  try {
    await bundleTelling(names, folder);
    return await Promise.all(names.map((name) => describeCommand(name, folder)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function bundleTelling(names, outdir) {
  await writeFile(join(outdir, 'package.json'), '{"type":"commonjs"}');
  await build({
    entryPoints: names.map((name) => ({
      in: join(ROOT, 'packages', name, 'src/main.ts'),
      out: name,
    })),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    conditions: ['@xcpu/source'],
    external: ['*.node', 'cpu-features'],
    define: { XCPU_VERSION: '""' },
    plugins: [tellingCommander],
    logLevel: 'error',
  });
}

const COMMANDER = fileURLToPath(new URL('commander.mjs', import.meta.url));

const tellingCommander = {
  name: 'telling-commander',
  setup({ onResolve }) {
    onResolve({ filter: /^commander$/ }, ({ importer }) =>
      importer === COMMANDER ? undefined : { path: COMMANDER },
    );
    // Loaded after the command line is parsed, which here it never is.
    onResolve({ filter: /^@xcpu\// }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

async function describeCommand(name, folder) {
  const packageFile = join(ROOT, 'packages', name, 'package.json');
  const { version, description } = JSON.parse(await readFile(packageFile, 'utf8'));
  const [told] = await ask(name, [], folder);
  const verbs = told.sections.find(({ title }) => title === 'Verbs')?.items ?? [];
  return {
    ...told,
    version,
    title: description,
    verbs: await Promise.all(
      verbs.map(async ({ label }) => (await ask(name, [label], folder)).at(-1)),
    ),
  };
}

/** What the command's parsers are given, in their order: the program's, then the verb's. */
async function ask(name, verb, folder) {
  const lines = await remembered(name, verb, folder, () => run(name, verb, folder));
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { texts, ...told } = JSON.parse(line);
      return { ...told, verbs: [], sections: texts.flatMap(parseText) };
    });
}

const MEMORY = join(ROOT, 'dist/described');

/** What a program told before, where it has not changed since: most builds change few. */
async function remembered(name, verb, folder, tell) {
  const program = await readFile(join(folder, `${name}.js`));
  const hash = createHash('sha256').update(program).digest('hex');
  const file = join(MEMORY, [name, ...verb].join('-'));
  const [before, ...lines] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (before === hash) return lines.join('\n');
  const told = await tell();
  await mkdir(MEMORY, { recursive: true });
  // Whole or not at all: another build may run at the same time.
  await writeFile(`${file}.${process.pid}`, `${hash}\n${told}`);
  await rename(`${file}.${process.pid}`, file);
  return told;
}

async function run(name, verb, folder) {
  const file = join(folder, [name, ...verb].join('-'));
  const child = spawn(process.execPath, [join(folder, `${name}.js`), ...verb, '-h'], {
    env: { ...process.env, XCPU_DESCRIBE_TO: file },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  await new Promise((resolve) => {
    child.on('close', resolve);
  });
  return readFile(file, 'utf8').catch(() => {
    throw new Error(`${[name, ...verb].join(' ')} -h parsed no command line: ${errors}`);
  });
}
