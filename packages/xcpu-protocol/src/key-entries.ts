import { createHash } from 'node:crypto';
import { show, XcpuFormatError } from './errors.js';
import type { PublicKey } from './keys.js';
import { parseLines } from './lines.js';
import { checkUserName } from './names.js';

/** By which key a node knows a user: one line of `keys`. */
export interface KeyEntry {
  readonly name: string;
  /** As `fingerprint` makes it. */
  readonly fingerprint: string;
}

/** Tells keys apart, whatever their comments: `SHA256:` and 43 characters, as `ssh-keygen -l` prints it. */
export function fingerprint({ line }: PublicKey): string {
  const blob = Buffer.from(line.split(/[ \t]+/)[1] ?? '', 'base64');
  const digest = createHash('sha256').update(blob).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/**
 * A node's `keys` file: `name:fingerprint` per line, of the users who have a key.
 *
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseKeyEntries(text: string): KeyEntry[] {
  return parseLines(text, 'keys line', (line) => {
    if (line === '') {
      return undefined;
    }
    const [, name, print] = /^([^:]*):(SHA256:[A-Za-z0-9+/]{43})$/.exec(line) ?? [];
    if (name === undefined || print === undefined) {
      throw new XcpuFormatError(`expected name:SHA256:fingerprint, found ${show(line)}`);
    }
    return { name: checkUserName(name), fingerprint: print };
  });
}

/**
 * The text of `keys`; `parseKeyEntries` gives the entries back.
 *
 * @throws XcpuFormatError for a name that would forge a line
 */
export function formatKeyEntries(entries: Iterable<KeyEntry>): string {
  let text = '';
  for (const { name, fingerprint: print } of entries) {
    text += `${checkUserName(name)}:${print}\n`;
  }
  return text;
}
