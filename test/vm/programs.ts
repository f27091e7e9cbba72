import { realpath } from 'node:fs/promises';
import { runTool } from './tools.js';

/**
 * The shared libraries that programs of this machine need, the one that loads them included, as absolute paths at which
 * programs look for them.
 */
export async function librariesOf(programs: readonly string[]): Promise<string[]> {
  const found = await runTool('ldd', programs);
  // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f…)`, and the loader without an arrow.
  const paths = [...found.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path!);
  return [...new Set(paths)];
}

/** The absolute path of one of this machine's programs. */
export async function programPath(name: string): Promise<string> {
  const found = await runTool('sh', ['-c', 'command -v "$1"', 'sh', name]);
  return realpath(found.trim());
}

/**
 * The same path in a tree where /bin, /sbin, /lib and /lib64 are links to what has that name in /usr, as in Debian; here
 * without its leading slash.
 */
export function mergedPath(path: string): string {
  const relative = path.slice(1);
  return /^(bin|sbin|lib|lib64)\//.test(relative) ? `usr/${relative}` : relative;
}
