import { XcpuFormatError } from './errors.js';

/** Longest ctl command in bytes, unless told otherwise. */
export const MAX_COMMAND_BYTES = 64 * 1024;

/**
 * Turns the writes that one open ctl fid receives into commands. A command ends at its newline, even
 * inside quotes; it may span writes, and a write may hold several. A NUL ends a write, whatever junk a
 * legacy client padded it with.
 */
export class CommandLineBuffer {
  readonly #maxBytes: number;
  #pending: Buffer = Buffer.alloc(0);

  /** @param maxBytes longest command, in bytes without its newline */
  constructor(maxBytes = MAX_COMMAND_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The commands that this write completes, blank ones left out. The bytes are copied when iteration
   * starts, so a caller may await between commands, but nothing happens unless it iterates.
   *
   * A caller that leaves the loop early, by a throw above all, drops the rest of the write with it;
   * the next write then starts clean.
   *
   * @throws XcpuFormatError "command too long", or for bytes that are not UTF-8; the rest is dropped
   */
  *push(bytes: Uint8Array): Generator<string, void, undefined> {
    const nul = bytes.indexOf(0);
    this.#pending = Buffer.concat([this.#pending, nul === -1 ? bytes : bytes.subarray(0, nul)]);
    let done = false;
    try {
      for (let line = this.#take(); line !== undefined; line = this.#take()) {
        if (/[^ \t]/.test(line)) {
          yield line;
        }
      }
      // A tail must not keep a whole write alive.
      this.#pending = Buffer.from(this.#pending);
      done = true;
    } finally {
      if (!done) {
        this.discard();
      }
    }
  }

  /** Drops an unfinished command: after one that failed, and when the ctl file is truncated. */
  discard(): void {
    this.#pending = Buffer.alloc(0);
  }

  #take(): string | undefined {
    const newline = this.#pending.indexOf(0x0a);
    const length = newline === -1 ? this.#pending.length : newline;
    if (length > this.#maxBytes) {
      throw new XcpuFormatError(`command too long: more than ${this.#maxBytes} bytes`);
    }
    if (newline === -1) {
      return undefined;
    }
    const line = this.#pending.subarray(0, newline);
    this.#pending = this.#pending.subarray(newline + 1);
    return decode(line);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(line: Uint8Array): string {
  try {
    return utf8.decode(line);
  } catch (cause) {
    throw new XcpuFormatError('command is not valid UTF-8', { cause });
  }
}
