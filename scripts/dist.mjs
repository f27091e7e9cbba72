// usage: node scripts/dist.mjs [--with-node | --node FILE] [--arch ARCH]... [--out DIR]
//
// Makes a tarball of all commands for each architecture, which installs them where there is no npm. The tarballs
// differ in nothing but their names, unless Node.js is in them: that of this machine (--with-node) or another one
// (--node), and then there is one tarball, for the architecture of that.
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildDate } from './lib/build-date.mjs';
import { ROOT } from './lib/paths.mjs';
import { contents } from './lib/tarball/contents.mjs';
import { architectureOf } from './lib/tarball/elf.mjs';
import { tarball } from './lib/tarball/tar.mjs';

const ARCHITECTURES = ['x64', 'arm64'];

try {
  const options = readOptions();
  await mkdir(options.out, { recursive: true });
  for (const arch of await architectures(options)) await make(arch, options);
} catch (error) {
  console.error(`dist: ${error.message}`);
  process.exit(1);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      'with-node': { type: 'boolean' },
      node: { type: 'string' },
      arch: { type: 'string', multiple: true },
      out: { type: 'string', default: join(ROOT, 'dist') },
    },
  });
  const node = values.node ?? (values['with-node'] ? process.execPath : undefined);
  return { node, arch: values.arch, out: resolve(values.out) };
}

async function architectures({ node, arch }) {
  if (!node) return arch ?? ARCHITECTURES;
  const own = await architectureOf(node);
  const other = arch?.find((name) => name !== own);
  if (other) throw new Error(`${node} is for ${own}, not for ${other}: name one by --node`);
  return [own];
}

async function make(arch, { node, out }) {
  const { version } = JSON.parse(await readFile(join(ROOT, 'packages/xrx/package.json'), 'utf8'));
  const name = `xcpu-${version}-linux-${arch}${node ? '-node' : ''}`;
  const entries = await contents({ version, arch, node: node && (await realpath(node)) });
  const file = join(out, `${name}.tar.gz`);
  const below = entries.map((entry) => ({ ...entry, path: `${name}/${entry.path}` }));
  await writeFile(file, tarball(below, buildDate()));
  console.log(file);
}
