import { gzipSync } from 'node:zlib';

/**
 * @typedef {object} Entry
 * @property {string} path relative, without a slash at its end
 * @property {Uint8Array | string} [content] of a file
 * @property {string} [link] what a symbolic link points to
 * @property {boolean} [executable]
 */

/**
 * A tar archive (POSIX ustar) in gzip that depends on its entries and the date only: they are sorted, and all belong
 * to root. Directories on the way to entries are added.
 *
 * @param {readonly Entry[]} entries
 * @param {number} date of all of them, in seconds since 1970
 * @returns {Buffer}
 * @throws Error for a path that is too long
 */
export function tarball(entries, date) {
  const all = [...directoriesOf(entries), ...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = all.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    return [header(entry, content.length, date), content, padding(content.length)];
  });
  // The end is two empty blocks, and tar(1) writes twenty at a time.
  blocks.push(Buffer.alloc(2 * BLOCK));
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  blocks.push(Buffer.alloc((RECORD - (length % RECORD)) % RECORD));
  return gzipSync(Buffer.concat(blocks));
}

const BLOCK = 512;
const RECORD = 20 * BLOCK;

function directoriesOf(entries) {
  const paths = new Set();
  for (const { path } of entries) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) paths.add(parts.slice(0, depth).join('/'));
  }
  return [...paths].map((path) => ({ path, directory: true }));
}

/** Types of ustar: a file, a symbolic link, a directory. */
const TYPES = { file: '0', link: '2', directory: '5' };

function header({ path, link = '', executable = false, directory = false }, size, date) {
  const type = directory ? TYPES.directory : link ? TYPES.link : TYPES.file;
  const mode = directory || executable || link ? 0o755 : 0o644;
  const [prefix, name] = split(directory ? `${path}/` : path);
  if (link.length > 100) throw new Error(`${link}: too long for a link in a tar archive`);
  const block = Buffer.alloc(BLOCK);
  const put = (offset, text) => block.write(text, offset, 'latin1');
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(date, 11));
  // The checksum is made as if it were blanks itself.
  put(148, '        ');
  put(156, type);
  put(157, link);
  put(257, 'ustar\0' + '00');
  put(265, 'root');
  put(297, 'root');
  put(345, prefix);
  put(
    148,
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
  );
  return block;
}

/** A path in two: at most 155 characters, and at most 100 behind the slash. */
function split(path) {
  if (path.length <= 100) return ['', path];
  const at = path.indexOf('/', path.length - 101);
  if (at < 0 || at > 155 || at === path.length - 1)
    throw new Error(`${path}: too long for a tar archive`);
  return [path.slice(0, at), path.slice(at + 1)];
}

function octal(number, digits) {
  return number.toString(8).padStart(digits, '0');
}

function padding(length) {
  return Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK);
}
