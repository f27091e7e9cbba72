import {
  constants,
  createHash,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { XcpuFormatError } from './errors.js';
import type { KeyType, PublicKey } from './keys.js';
import { checkPasskey } from './passkey.js';
import type { PrivateKey } from './private-key.js';

/** Bytes that a node sends to a client which wants to log in. */
export const CHALLENGE_BYTES = 16;

/** Bytes of a proof made with a passkey. No signature is as short. */
export const PASSKEY_PROOF_BYTES = 20;

/**
 * What stands before the challenge in what keys that are not RSA sign, so that the signature means nothing elsewhere:
 * what ssh signs with the same key begins with a length (RFC 4252, section 7; 64 at most), or with `SSHSIG`.
 */
const SIGNED_PREFIX = Buffer.from('xcpu log-in 1\0', 'latin1');

/** What an afid reads as: 16 random bytes, never the same twice. */
export function makeChallenge(): Buffer {
  return randomBytes(CHALLENGE_BYTES);
}

/**
 * The proof that a client holds a private key, by the type of that:
 * - RSA: as the C programs make it, a PKCS#1 v1.5 signature over SHA-1 of the challenge;
 * - Ed25519: the signature (RFC 8032) of the text `xcpu log-in 1`, a zero byte and the challenge, 64 bytes;
 * - ECDSA: the signature of the same text, over its SHA-256, 384 or 512 as the curve has it (RFC 5656, section 6.2.1):
 *   r and s, each as long as a coordinate of the curve.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes: nothing else is signed for a peer
 */
export function signChallenge(challenge: Uint8Array, { key, publicKey }: PrivateKey): Buffer {
  checkChallenge(challenge);
  const { hash, text, withKey } = schemeOf(publicKey.type, challenge);
  return sign(hash, text, withKey(key));
}

/**
 * What `signChallenge` makes, without holding up this thread: a signature takes milliseconds, and thousands of nodes
 * want one each.
 *
 * @throws XcpuFormatError when the challenge is not 16 bytes
 */
export async function signChallengeInThread(
  challenge: Uint8Array,
  { key, publicKey }: PrivateKey,
): Promise<Buffer> {
  checkChallenge(challenge);
  const { hash, text, withKey } = schemeOf(publicKey.type, challenge);
  return new Promise((resolve, reject) => {
    sign(hash, text, withKey(key), (error, signature) => {
      if (error) reject(error);
      else resolve(signature);
    });
  });
}

/** Whether the proof is the signature of the challenge by the owner of the key; never throws. */
export function verifySignature(
  challenge: Uint8Array,
  proof: Uint8Array,
  { type, key }: PublicKey,
): boolean {
  if (challenge.length !== CHALLENGE_BYTES) return false;
  try {
    const { hash, text, withKey } = schemeOf(type, challenge);
    return verify(hash, text, withKey(key), proof);
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

interface Scheme {
  /** Ed25519 has its own. */
  readonly hash: string | null;
  readonly text: Uint8Array;
  /** A key, public or private, with what is to be said of the signature's form. */
  readonly withKey: (key: KeyObject) => {
    readonly key: KeyObject;
    readonly padding?: number;
    readonly dsaEncoding?: 'ieee-p1363';
  };
}

function schemeOf(type: KeyType, challenge: Uint8Array): Scheme {
  if (type === 'ssh-rsa') {
    const padding = constants.RSA_PKCS1_PADDING;
    return { hash: 'sha1', text: challenge, withKey: (key) => ({ key, padding }) };
  }
  const hash = HASHES[type];
  const text = Buffer.concat([SIGNED_PREFIX, challenge]);
  return { hash, text, withKey: (key) => ({ key, dsaEncoding: 'ieee-p1363' }) };
}

const HASHES: Readonly<Record<Exclude<KeyType, 'ssh-rsa'>, string | null>> = {
  'ssh-ed25519': null,
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

function checkChallenge(challenge: Uint8Array): void {
  if (challenge.length !== CHALLENGE_BYTES) {
    throw new XcpuFormatError(
      `invalid challenge: ${challenge.length} bytes, expected ${CHALLENGE_BYTES}`,
    );
  }
}
