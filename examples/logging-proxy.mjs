// usage: node examples/logging-proxy.mjs ADDRESS SERVER
//
// Stands between clients and a 9P server, and logs every message both ways, in whatever dialect they agree on.
//
//   node examples/logging-proxy.mjs tcp!127.0.0.1!5641 tcp!127.0.0.1!5640
import { decode, dial, FrameReader, formatMessage, listen, MessageType } from '@xcpu/9p-protocol';

/** @typedef {import('@xcpu/9p-protocol').Transport} Transport */

/** Until a Tversion asks for larger messages, and whatever it asks for; in bytes. */
const FIRST_MESSAGE = 8192;
const LARGEST_MESSAGE = 64 * 1024 * 1024;
/** Beyond so many bytes that one side has not taken, the other has to wait. */
const UNSENT = 1024 * 1024;

/** What one client and the server say, in one line for each message. */
class Log {
  #readers = {
    '→': new FrameReader(FIRST_MESSAGE),
    '←': new FrameReader(FIRST_MESSAGE),
  };
  /** @type {import('@xcpu/9p-protocol').Dialect} */
  #dialect = '9P2000';

  /** @param {string} peer */
  constructor(peer) {
    this.peer = peer;
  }

  /**
   * @param {'→' | '←'} direction
   * @param {Buffer} chunk
   */
  take(direction, chunk) {
    this.#readers[direction].push(chunk, (frame) => {
      const message = decode(frame, this.#dialect, { strings: 'bytes' });
      if (message.type === MessageType.Tversion) this.#grow(message.msize);
      if (message.type === MessageType.Rversion) this.#agree(message.version);
      console.log(`${this.peer} ${direction} ${formatMessage(message)}`);
    });
  }

  /** @param {number} msize */
  #grow(msize) {
    const largest = Math.min(Math.max(msize, FIRST_MESSAGE), LARGEST_MESSAGE);
    for (const reader of Object.values(this.#readers)) reader.maxSize = largest;
  }

  /** @param {string} version */
  #agree(version) {
    if (version === '9P2000' || version === '9P2000.u' || version === '9P2000.L') {
      this.#dialect = version;
    }
  }
}

/**
 * Passes bytes on as they are: what is logged is what was said, not what we made of it.
 * @param {Transport} from
 * @param {Transport} to
 * @param {(chunk: Buffer) => void} look
 */
function pass(from, to, look) {
  from.start({
    data: (chunk) => {
      try {
        look(chunk);
      } catch (error) {
        console.error(`${from.peer.address}: ${error}`);
        from.destroy();
        return to.destroy();
      }
      to.send([chunk]);
      if (to.unsent > UNSENT) from.pause();
    },
    drain: () => to.resume(),
    close: (error) => (error ? to.destroy() : to.close()),
  });
}

const [address, serverAddress] = process.argv.slice(2);
if (!address || !serverAddress) {
  console.error('usage: node examples/logging-proxy.mjs ADDRESS SERVER');
  process.exit(2);
}
const listener = await listen(address, async (client) => {
  try {
    const server = await dial(serverAddress);
    const log = new Log(client.peer.address);
    pass(client, server, (chunk) => log.take('→', chunk));
    pass(server, client, (chunk) => log.take('←', chunk));
  } catch (error) {
    console.error(`${serverAddress}: ${error}`);
    client.destroy();
  }
});
console.log(`listening at ${listener.address}`);
