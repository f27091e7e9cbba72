// usage: node examples/json-tree.mjs FILE [ADDRESS]
//
// A JSON document as a tree: objects and arrays are directories, everything else is a file to read and write. What is
// written is a JSON value, or else a text, and changes the document in FILE at once.
import { readFileSync, writeFileSync } from 'node:fs';
import { Errno, listen, NinePError, OpenMode } from '@xcpu/9p-protocol';
import { Server, SyntheticDirectory, SyntheticFile } from '@xcpu/9p-protocol/server';

/** The longest text that a file takes, in bytes. */
const LONGEST = 64 * 1024;

const [file, address = 'tcp!127.0.0.1!5640'] = process.argv.slice(2);
if (!file) {
  console.error('usage: node examples/json-tree.mjs FILE [ADDRESS]');
  process.exit(2);
}
const document = JSON.parse(readFileSync(file, 'utf8'));
const save = () => writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
const owner = { uid: 'nobody', gid: 'nobody' };

/** What `holder` has under `key`: a text, a number, true, false or null. */
class Leaf extends SyntheticFile {
  /** As it was written: JSON may have another way to say the same. @type {Buffer} */
  #text;
  #change;

  /** @param {Record<string, unknown>} holder @param {string} key */
  constructor(holder, key) {
    super({ name: nameOf(key), mode: 0o644, ...owner });
    const value = holder[key];
    this.#text = Buffer.from(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
    this.#change = (/** @type {Buffer} */ text) => {
      this.#text = text;
      holder[key] = parse(text.toString().replace(/\n$/, ''));
      save();
    };
  }

  /** @override */
  length() {
    return this.#text.length;
  }

  /** @override @param {number} mode @returns {import('@xcpu/9p-protocol/server').OpenFile} */
  open(mode) {
    if (mode & OpenMode.TRUNCATE) this.setattr({ size: 0 });
    return {
      read: (offset, count) => this.#text.subarray(offset, offset + count),
      write: (offset, data) => {
        const text = this.#sized(Math.max(this.#text.length, offset + data.length));
        text.set(data, offset);
        this.#change(text);
        return data.length;
      },
    };
  }

  /** @param {import('@xcpu/9p-protocol/server').AttributeChanges} changes */
  setattr({ size }) {
    if (size === undefined) throw new NinePError('only the size can change', Errno.EPERM);
    this.#change(this.#sized(size));
  }

  /** @param {number} size */
  #sized(size) {
    if (size > LONGEST) throw new NinePError('text too long', Errno.EFBIG);
    return Buffer.concat([this.#text], size);
  }
}

/** @param {string} name @param {Record<string, unknown>} value */
function directoryOf(name, value) {
  const directory = new SyntheticDirectory({ name, mode: 0o555, ...owner });
  for (const [key, child] of Object.entries(value)) {
    const inner = typeof child === 'object' && child !== null;
    directory.add(inner ? directoryOf(nameOf(key), Object(child)) : new Leaf(value, key));
  }
  return directory;
}

/** A key as a file may be called. @param {string} key */
function nameOf(key) {
  if (/^\.{0,2}$/.test(key)) return `%${key.replaceAll('.', '2E')}`;
  return key.replace(/[%/\0]/g, encodeURIComponent);
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const root = directoryOf('/', Object(document));
const server = new Server({ attach: ({ uname }) => ({ root, user: uname }) });
const listener = await listen(address, (transport) => server.accept(transport));
console.log(`serving at ${listener.address}`);
