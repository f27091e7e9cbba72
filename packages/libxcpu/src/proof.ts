import { constants, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { CHALLENGE_BYTES, type PrivateKey, XcpuFormatError } from '@xcpu/xcpu-protocol';

const signInThread = promisify(
  sign as (
    algorithm: string,
    data: Uint8Array,
    key: { key: PrivateKey['key']; padding: number },
    callback: (error: Error | null, signature: Buffer) => void,
  ) => void,
);

/**
 * What `signChallenge` makes, without holding up this thread: a signature takes milliseconds, and thousands of nodes
 * want one each.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes: nothing else is signed for a peer
 */
export async function proveIdentity(
  challenge: Uint8Array,
  { key }: PrivateKey,
): Promise<Uint8Array> {
  if (challenge.length !== CHALLENGE_BYTES) {
    throw new XcpuFormatError(`invalid challenge: ${challenge.length} bytes`);
  }
  return signInThread('sha1', challenge, { key, padding: constants.RSA_PKCS1_PADDING });
}
