import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { packedCompletions } from './completion/packed.mjs';
import { BIN, ROOT } from './paths.mjs';

/** The commands that are shipped as one file each, by the name of their package. */
export const COMMANDS = [
  'xcpufs',
  'xrx',
  'xps',
  'xuserset',
  'xgroupset',
  'xk',
  'xgetent',
  'statfs',
  'xstat',
  '9p',
  '9pfuse',
];

const LOADER = join(ROOT, 'packages/libxcpu/src/bundle/loader.ts');
/** How a command begins in the comment behind its loader, and what stands for the end of a comment in it. */
const TEXT_BEGIN = '/*xcpu:';
const COMMENT_END = '*\\:/';

/** Less text to read at each start; names stay, for the stack traces in bug reports. */
const LESS_TEXT = { minifySyntax: true, minifyWhitespace: true };

/**
 * Makes packages/NAME/dist/NAME.cjs, an executable that needs nothing but Node.js, out of packages/NAME/src/main.ts,
 * and the link dist/bin/NAME to it.
 *
 * @param {readonly string[]} names the commands to make
 * @param {import('esbuild').LogLevel} logLevel what esbuild prints
 */
export async function bundle(names = COMMANDS, logLevel = 'warning') {
  await mkdir(BIN, { recursive: true });
  await Promise.all(names.map((name) => bundleOne(name, logLevel)));
}

/** Makes all commands, unless each is there and newer than everything it is made of. */
export async function bundleIfNeeded() {
  const made = await Promise.all(COMMANDS.map((name) => modified(bundleOf(name))));
  if ((await newestSource()) > Math.min(...made)) {
    await bundle(COMMANDS, 'silent');
  }
}

async function bundleOne(name, logLevel) {
  const outfile = bundleOf(name);
  const { version } = JSON.parse(await readFile(join(folderOf(name), 'package.json'), 'utf8'));
  const { outputFiles } = await build({
    ...settings(logLevel),
    entryPoints: [join(folderOf(name), 'src/main.ts')],
    outfile,
    plugins: [withoutSubprograms],
    define: {
      XCPU_VERSION: JSON.stringify(version),
      ...(name === 'xrx' && {
        XCPU_COMPLETIONS: JSON.stringify(await packedCompletions(COMMANDS)),
      }),
    },
    write: false,
  });
  const text = outputFiles.find(({ path }) => path === outfile).text;
  const whole = name === 'xcpufs' ? DAEMON_BANNER + text : await behindLoader(name, version, text);
  await mkdir(dirname(outfile), { recursive: true });
  await writeFile(outfile, whole);
  await chmod(outfile, 0o755);
  await link(outfile, join(BIN, name));
}

/**
 * The command as a comment behind what loads it: see packages/libxcpu/src/bundle/loader.ts.
 * @param {string} text the command, in ASCII
 */
async function behindLoader(name, version, text) {
  for (const reserved of [TEXT_BEGIN, COMMENT_END]) {
    if (text.includes(reserved)) throw new Error(`${name}: its text holds ${reserved}`);
  }
  const { code } = await transform(await readFile(LOADER, 'utf8'), {
    ...LESS_TEXT,
    loader: 'ts',
    format: 'cjs',
    target: 'node20',
    define: {
      XCPU_NAME: JSON.stringify(name),
      XCPU_VERSION: JSON.stringify(version),
      XCPU_TEXT_DIGEST: JSON.stringify(createHash('sha256').update(text).digest('hex')),
      XCPU_TEXT_BEGIN: JSON.stringify(TEXT_BEGIN),
      XCPU_COMMENT_END: JSON.stringify(COMMENT_END),
    },
  });
  return `#!/usr/bin/env node\n${code}${TEXT_BEGIN}\n${text.replaceAll('*/', COMMENT_END)}\n*/\n`;
}

/** @param {import('esbuild').LogLevel} logLevel */
function settings(logLevel) {
  return {
    bundle: true,
    platform: 'node',
    target: 'node20',
    // A CommonJS file starts faster than an ES module: it is read, compiled and run without a round through the loader.
    format: 'cjs',
    conditions: ['@xcpu/source'],
    // ssh2 tries these and does without: they are native, and only its ciphers would use them.
    external: ['*.node', 'cpu-features'],
    // A script that V8 has kept compiled cannot import(): it gets a require in its place.
    supported: { 'dynamic-import': false },
    ...LESS_TEXT,
    legalComments: 'eof',
    logLevel,
  };
}

/**
 * commander can run subcommands that are programs of their own, which none of ours is: loading what it would need for
 * that takes a seventh of the time that a command takes to start.
 */
const withoutSubprograms = {
  name: 'without-subprograms',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/')
        ? { path: 'none', namespace: 'without-subprograms' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'without-subprograms' }, () => ({ contents: '' }));
  },
};

/**
 * Makes the daemon's file a shell script that runs itself in Node.js: to JavaScript the second line is a string and
 * a comment. Node.js raises the soft limit of open files when it starts, so only the shell can still see the one that
 * the programs of users are to have. Where it can, the daemon has a mount namespace of its own: what it mounts then is
 * for what it starts, and what the host mounts and unmounts is so there, too.
 */
const DAEMON_BANNER = `#!/bin/sh
':' //; export XCPUFS_NOFILE="$(ulimit -Sn)"; set -- node --always-sparkplug "$0" "$@"; if [ "$(id -u)" = 0 ] && unshare --mount --propagation slave true 2>/dev/null; then export XCPUFS_OWN_MOUNTS=yes; set -- unshare --mount --propagation slave "$@"; fi; exec "$@"
`;

function bundleOf(name) {
  return join(folderOf(name), 'dist', `${name}.cjs`);
}

function folderOf(name) {
  return join(ROOT, 'packages', name);
}

/** When a source file of any package was last written, or of what bundles and completes. */
async function newestSource() {
  const packages = await readdir(join(ROOT, 'packages'));
  const sources = packages.map((name) => join(ROOT, 'packages', name, 'src'));
  const folders = [...sources, dirname(fileURLToPath(import.meta.url))];
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((file) => join(folder, file)),
    ),
  );
  return Math.max(...(await Promise.all(files.flat().map(modified))));
}

/** In milliseconds since 1970; long ago when there is no such file. */
async function modified(path) {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function link(target, path) {
  await rm(path, { force: true });
  await symlink(relative(dirname(path), target), path);
}
