import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory, cached } from './cache.js';
import { runTool } from './tools.js';

/**
 * The directory that holds files of a Debian package which is not installed: of the newest whose name matches. It is
 * downloaded and unpacked. Where this machine's lists of packages are missing or name what is no longer there, they are
 * fetched anew, for us alone.
 * @param label what it is called in the cache
 * @param pattern an extended regular expression for the whole name
 * @param kept which files: patterns as tar takes them, below `./`
 * @throws Error if there is no such package
 */
export async function unpackedPackage(
  label: string,
  pattern: string,
  kept: readonly string[],
): Promise<string> {
  try {
    return await unpack(label, pattern, kept, []);
  } catch {
    ownLists ??= fetchOwnLists();
    return await unpack(label, pattern, kept, await ownLists);
  }
}

/** The options of apt that make it use them; fetched once for all packages. */
let ownLists: Promise<string[]> | undefined;

async function unpack(
  label: string,
  pattern: string,
  kept: readonly string[],
  options: readonly string[],
): Promise<string> {
  const { name, version } = await newest(pattern, options);
  return cached(label, [name, version, ...kept], async (target) => {
    const download = join(target, 'download');
    await mkdir(download);
    await runTool('apt-get', [...options, '--quiet', 'download', name], { cwd: download });
    const [archive = ''] = await readdir(download);
    const unpacking = 'dpkg-deb --fsys-tarfile "$0" | tar --extract --wildcards "$@"';
    const words = ['-eo', 'pipefail', '-c', unpacking, join(download, archive), ...kept];
    await runTool('bash', words, { cwd: target });
    await rm(download, { recursive: true });
  });
}

interface Package {
  readonly name: string;
  readonly version: string;
}

async function newest(pattern: string, options: readonly string[]): Promise<Package> {
  const search = [...options, 'search', '--full', '--names-only', `^${pattern}$`];
  const fields = /^Package: (.*)\n(?:.+\n)*?Version: (.*)$/gm;
  const found = [...(await runTool('apt-cache', search)).matchAll(fields)];
  const packages = found.map(([, name = '', version = '']) => ({ name, version }));
  const [first] = packages.sort((a, b) => b.name.localeCompare(a.name, 'en', { numeric: true }));
  if (!first) throw new Error(`apt-cache knows no package ${pattern}`);
  return first;
}

async function fetchOwnLists(): Promise<string[]> {
  const directory = join(cacheDirectory, 'apt');
  const lists = join(directory, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  const options = [
    ['Dir::State', directory],
    ['Dir::State::Lists', lists],
    ['Dir::State::Status', '/var/lib/dpkg/status'],
    ['Dir::Cache', directory],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await runTool('apt-get', [...options, '--quiet', 'update']);
  return options;
}
