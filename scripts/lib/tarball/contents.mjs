import { lstat, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { COMMANDS } from '../bundles.mjs';
import { completionScripts } from '../completion/scripts.mjs';
import { describeCommands } from '../describe/commands.mjs';
import { placeOf } from '../manual/write.mjs';
import { ROOT } from '../paths.mjs';

/** @typedef {import('./tar.mjs').Entry} Entry */

/**
 * What a tarball holds: a tree that install.sh copies below a prefix, and how to do that.
 *
 * @param {object} settings
 * @param {string} settings.version
 * @param {string} settings.arch as process.arch has it
 * @param {string} [settings.node] a Node.js program to carry along
 * @returns {Promise<Entry[]>}
 */
export async function contents({ version, arch, node }) {
  const filled = (text) => filledIn(text, { version, arch, node });
  const parts = await Promise.all([commands(), manuals(), completions(), documents(), licences()]);
  return [
    { path: 'README', content: filled(await template('README')) },
    { path: 'LICENSE', content: await readFile(join(ROOT, 'LICENSE')) },
    { path: 'install.sh', content: filled(await template('install.sh')), executable: true },
    { path: 'share/doc/xcpu/xcpufs.conf', content: await template('xcpufs.conf') },
    ...(await Promise.all(['xcpufs.service', 'statfs.service'].map(unit))),
    ...parts.flat(),
    ...(node ? await nodeProgram(node) : []),
  ];
}

function filledIn(text, { version, arch, node }) {
  const about = node
    ? 'Node.js is part of it, for these commands alone; it needs glibc.'
    : 'It needs Node.js 20.19 or later in PATH, as node.';
  return text
    .replaceAll('@VERSION@', version)
    .replaceAll('@ARCH@', arch)
    .replaceAll('@NODE@', about);
}

function template(name) {
  return readFile(new URL(`files/${name}`, import.meta.url), 'utf8');
}

async function unit(name) {
  return { path: `lib/systemd/system/${name}`, content: await template(name) };
}

async function commands() {
  const files = COMMANDS.map((name) => join(ROOT, 'packages', name, 'dist', `${name}.cjs`));
  const programs = files.map(async (file) => ({
    path: `lib/xcpu/${basename(file)}`,
    content: await readFile(file),
    executable: ((await lstat(file)).mode & 0o100) !== 0,
  }));
  const links = COMMANDS.map((name) => ({ path: `bin/${name}`, link: `../lib/xcpu/${name}.cjs` }));
  return [...(await Promise.all(programs)), ...links];
}

function manuals() {
  return Promise.all(
    COMMANDS.map(async (name) => {
      const { section, file } = await placeOf(name);
      return { path: `share/man/man${section}/${basename(file)}`, content: await readFile(file) };
    }),
  );
}

/** Shells look for a file of the name of the command that is completed; zsh reads them all. */
async function completions() {
  const { bash, zsh, fish } = completionScripts(await describeCommands(COMMANDS));
  const [first, ...others] = COMMANDS;
  const bashFolder = 'share/bash-completion/completions';
  const fishFolder = 'share/fish/vendor_completions.d';
  return [
    { path: `${bashFolder}/${first}`, content: bash },
    ...others.map((name) => ({ path: `${bashFolder}/${name}`, link: first })),
    { path: 'share/zsh/site-functions/_xcpu', content: zsh },
    { path: `${fishFolder}/${first}.fish`, content: fish },
    ...others.map((name) => ({ path: `${fishFolder}/${name}.fish`, link: `${first}.fish` })),
  ];
}

async function documents() {
  const names = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const files = ['README.md', ...names.map((name) => join('docs', name))];
  return Promise.all(
    files.map(async (file) => ({
      path: `share/doc/xcpu/${file}`,
      content: await readFile(join(ROOT, file)),
    })),
  );
}

/** Of what the commands carry of others. */
async function licences() {
  const names = new Set();
  const add = async (folder) => {
    const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      if (names.has(name)) continue;
      names.add(name);
      await add(join(ROOT, 'node_modules', name));
    }
  };
  for (const name of COMMANDS) await add(join(ROOT, 'packages', name));
  const others = [...names].filter((name) => !name.startsWith('@xcpu/'));
  return Promise.all(
    others.map(async (name) => {
      const folder = join(ROOT, 'node_modules', name);
      const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
      if (!file) throw new Error(`${folder} has no licence`);
      const path = `share/doc/xcpu/licenses/${name.replace('/', '-')}`;
      return { path, content: await readFile(join(folder, file)) };
    }),
  );
}

async function nodeProgram(node) {
  const licence = await readFile(join(dirname(node), '../LICENSE')).catch(() => undefined);
  return [
    { path: 'lib/xcpu/node', content: await readFile(node), executable: true },
    ...(licence ? [{ path: 'share/doc/xcpu/licenses/node', content: licence }] : []),
  ];
}
