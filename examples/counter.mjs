// usage: node examples/counter.mjs [ADDRESS]
//
// A file that counts: each read yields a number and adds one to it, a write sets it.
//
//   9p read 127.0.0.1:5640 counter
//   9p write 127.0.0.1:5640 counter <<<41
import { Errno, listen, NinePError } from '@xcpu/9p-protocol';
import { Server, SyntheticDirectory, SyntheticFile } from '@xcpu/9p-protocol/server';

class Counter extends SyntheticFile {
  #next = 0;

  /**
   * @override
   * @returns {import('@xcpu/9p-protocol/server').OpenFile}
   */
  open() {
    return {
      // Whoever reads on behind the number has read all of it.
      read: (offset, count) =>
        offset > 0 ? Buffer.alloc(0) : Buffer.from(`${this.#next++}\n`).subarray(0, count),
      write: (_offset, data) => {
        const text = Buffer.from(data).toString().trim();
        if (!/^\d{1,15}$/.test(text)) throw new NinePError('not a number', Errno.EINVAL);
        this.#next = Number(text);
        return data.length;
      },
    };
  }

  /**
   * The shell's `>` cuts a file off before it is written to; here that changes nothing.
   * @param {import('@xcpu/9p-protocol/server').AttributeChanges} changes
   */
  setattr({ size }) {
    if (size === undefined) throw new NinePError('a counter has no attributes', Errno.EPERM);
  }
}

const owner = { uid: 'nobody', gid: 'nobody' };
const root = new SyntheticDirectory({ name: '/', mode: 0o555, ...owner });
root.add(new Counter({ name: 'counter', mode: 0o666, ...owner }));

const server = new Server({ attach: ({ uname }) => ({ root, user: uname }) });
const address = process.argv[2] ?? 'tcp!127.0.0.1!5640';
const listener = await listen(address, (transport) => server.accept(transport));
console.log(`serving at ${listener.address}`);
