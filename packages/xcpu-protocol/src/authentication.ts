import { constants, createHash, randomBytes, sign, timingSafeEqual, verify } from 'node:crypto';
import { XcpuFormatError } from './errors.js';
import type { PublicKey } from './keys.js';
import { checkPasskey } from './passkey.js';
import type { PrivateKey } from './private-key.js';

/** Bytes that a node sends to a client which wants to log in. */
export const CHALLENGE_BYTES = 16;

/** Bytes of a proof made with a passkey; one made with a key is as long as the key's modulus. */
export const PASSKEY_PROOF_BYTES = 20;

/** What an afid reads as: 16 random bytes, never the same twice. */
export function makeChallenge(): Buffer {
  return randomBytes(CHALLENGE_BYTES);
}

/**
 * The proof that a client holds a private key: RSA PKCS#1 v1.5 signature over SHA-1 of the challenge.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes: nothing else is signed for a peer
 */
export function signChallenge(challenge: Uint8Array, privateKey: PrivateKey): Buffer {
  checkChallenge(challenge);
  return sign('sha1', challenge, signingKey(privateKey));
}

/**
 * What `signChallenge` makes, without holding up this thread: a signature takes milliseconds, and thousands of nodes
 * want one each.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes
 */
export async function signChallengeInThread(
  challenge: Uint8Array,
  privateKey: PrivateKey,
): Promise<Buffer> {
  checkChallenge(challenge);
  return new Promise((resolve, reject) => {
    sign('sha1', challenge, signingKey(privateKey), (error, signature) => {
      if (error) reject(error);
      else resolve(signature);
    });
  });
}

/** Whether the proof is the signature of the challenge by the owner of the key; never throws. */
export function verifySignature(
  challenge: Uint8Array,
  proof: Uint8Array,
  publicKey: PublicKey,
): boolean {
  try {
    const key = { key: publicKey.key, padding: constants.RSA_PKCS1_PADDING };
    return challenge.length === CHALLENGE_BYTES && verify('sha1', challenge, key, proof);
  } catch {
    return false;
  }
}

/**
 * The proof that a client was handed a passkey: SHA-1 over the challenge and the 32 hex digits.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes or the passkey is none
 */
export function passkeyProof(challenge: Uint8Array, passkey: string): Buffer {
  checkChallenge(challenge);
  return createHash('sha1').update(challenge).update(checkPasskey(passkey), 'latin1').digest();
}

/**
 * Whether the proof was made with this passkey, in a time that does not tell how much of it is right.
 * Using a passkey only once is up to the caller.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes or the passkey is none
 */
export function verifyPasskey(challenge: Uint8Array, proof: Uint8Array, passkey: string): boolean {
  const expected = passkeyProof(challenge, passkey);
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

function signingKey({ key }: PrivateKey) {
  return { key, padding: constants.RSA_PKCS1_PADDING };
}

function checkChallenge(challenge: Uint8Array): void {
  if (challenge.length !== CHALLENGE_BYTES) {
    throw new XcpuFormatError(
      `invalid challenge: ${challenge.length} bytes, expected ${CHALLENGE_BYTES}`,
    );
  }
}
