import { canUnshare } from './namespace.js';

/** Whether the tests run as root: only then do daemons run programs as other users. */
export const isRoot = process.getuid?.() === 0;

/**
 * For `skipIf`: whether the machine lacks what a test needs. It says so; in CI, where nothing may be left out
 * silently, it fails.
 */
export function lacks(what: string, there: boolean): boolean {
  if (there) return false;
  if (process.env.CI) throw new Error(`this test needs ${what}`);
  console.warn(`tests are left out here: they need ${what}`);
  return true;
}

export function lacksRoot(): boolean {
  return lacks('root', isRoot);
}

export function lacksMountNamespaces(): boolean {
  return lacks('root and mount namespaces', isRoot && canUnshare);
}
