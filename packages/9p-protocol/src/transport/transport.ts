/** Who is at the other end, as far as the transport knows. */
export interface PeerIdentity {
  /** For messages and logs: `127.0.0.1!40312`, `unix!/run/files`, `memory`. */
  readonly address: string;
  /** Peers of one group share its limits: the host part of an address. */
  readonly group: string;
  /** Who the transport proved the peer to be (a TLS certificate's subject, a socket's uid); absent where it proves nothing. */
  readonly verified?: { readonly scheme: string; readonly name: string };
}

/** What a transport tells its user. After `close` nothing more comes. */
export interface TransportEvents {
  /** Bytes from the peer, in order; the receiver may keep views of the chunk. */
  data(chunk: Buffer): void;
  /** What was sent has gone out so far that more may be sent. */
  drain(): void;
  /** The connection ended, with the reason if it did not end in order. */
  close(error: Error | undefined): void;
}

/** An ordered, reliable, two-way stream of bytes: what 9P runs over. */
export interface Transport {
  readonly peer: PeerIdentity;
  /** Our own end, for messages and logs. */
  readonly localAddress: string;
  /** Bytes given to `send` that the system has not taken yet. */
  readonly unsent: number;
  /** Begins to deliver; called once, events come in later turns of the loop. */
  start(events: TransportEvents): void;
  /**
   * Sends pieces in order as one gathering write; they must not be changed afterwards, or until `taken` is called.
   * @param taken called once nobody needs the pieces any more, by transports that know when that is; perhaps never
   *   if the connection ends before
   */
  send(pieces: readonly Uint8Array[], taken?: () => void): void;
  /** Stops delivering data: back-pressure. */
  pause(): void;
  /** Goes on delivering data. */
  resume(): void;
  /** Ends after what was sent has gone out. */
  close(): void;
  /** Ends at once. */
  destroy(error?: Error): void;
  /**
   * Keying material bound to this channel, the same at both ends and different on every other:
   * RFC 5705 and RFC 9266. Absent where the channel has no keys.
   */
  exportKey?(label: string, length: number): Buffer;
}

/** Accepts transports. */
export interface Listener {
  /** Where it listens: `127.0.0.1!6668`, with the port that was really taken. */
  readonly address: string;
  /** Stops accepting; connections that exist go on. */
  close(): Promise<void>;
}
