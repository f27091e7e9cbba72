import { type Dialect, decode, FrameReader, MessageType } from '@xcpu/9p-protocol';

const MAX_FRAME = 1 << 24;

interface Sent {
  readonly type: number;
  readonly tag: number;
  /** Of a Tflush: what it flushes. */
  readonly oldtag: number | undefined;
}

/** Which of the frames that were sent to a server are not answered yet. */
export class Ledger {
  #dialect: Dialect = '9P2000';
  readonly #requests = new FrameReader(MAX_FRAME);
  readonly #replies = new FrameReader(MAX_FRAME);
  #open: Sent[] = [];
  /** Frames can no longer be told apart: the server has to close. */
  #broken = false;

  get open(): number {
    return this.#open.length;
  }

  get broken(): boolean {
    return this.#broken;
  }

  toString(): string {
    return this.#open.map(({ type, tag }) => `type ${type} tag ${tag}`).join(', ');
  }

  sent(bytes: Buffer): void {
    if (this.#broken) return;
    try {
      this.#requests.push(bytes, (frame) => this.#add(frame));
    } catch {
      this.#broken = true;
    }
  }

  /** @throws NinePError if what the server sends is no frame, or not of the dialect */
  received(bytes: Buffer): void {
    this.#replies.push(bytes, (frame) => this.#settle(frame));
  }

  #add(frame: Buffer): void {
    const type = frame[4]!;
    const tag = frame.readUInt16LE(5);
    const oldtag =
      type === MessageType.Tflush && frame.length === 9 ? frame.readUInt16LE(7) : undefined;
    this.#open.push({ type, tag, oldtag });
  }

  #settle(frame: Buffer): void {
    const reply = decode(Buffer.from(frame), this.#dialect, { strings: 'bytes' });
    const at = this.#open.findIndex(({ tag }) => tag === reply.tag);
    const answered = this.#open[at];
    if (!answered) throw new Error(`an answer that nobody waits for: ${JSON.stringify(frame)}`);
    this.#open.splice(at, 1);
    if (reply.type === MessageType.Rversion) {
      this.#open.splice(0, at);
      const { version } = reply;
      this.#dialect = version === '9P2000.L' || version === '9P2000.u' ? version : '9P2000';
    } else if (reply.type === MessageType.Rflush && answered.oldtag !== undefined) {
      const before = this.#open.slice(0, at).filter(({ tag }) => tag !== answered.oldtag);
      this.#open = [...before, ...this.#open.slice(at)];
    }
  }
}
