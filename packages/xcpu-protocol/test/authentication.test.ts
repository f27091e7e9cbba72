import { sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  KEY_TYPES,
  type KeyType,
  makeChallenge,
  type PrivateKey,
  parsePrivateKey,
  parsePublicKey,
  passkeyProof,
  publicKeyFrom,
  signChallenge,
  signChallengeInThread,
  verifyPasskey,
  verifySignature,
  XcpuFormatError,
} from '../src/index.js';
import { LEGACY_ADMIN_KEY, LEGACY_USER_KEY, makeKey, makeRsaKey } from './support.js';

/** A challenge of a legacy node and what a legacy client answered to it. */
const LEGACY_CHALLENGE = Buffer.from('d0583b31e486acf13fc2c5b0dd12a46e', 'hex');
const LEGACY_PROOF = Buffer.from(
  'a856d584815ccd92e0423e7c06158e71166ec642d7bd5f31436dbd87f490ca792d423cc7cf317006613fe14a3a9765b60612fb42e07eca2d0a011e0114383ca5f59bd4842d71046c7a9577339b0ea85d85b08791a8befa537b2879add5bbf47a6ec1237a22e0a87e3ff804b64aa2cd37c73a9610e9922a223bce59263bffe32238586e3a484207998ef36d759c2cdecb7f2f0877d0644ac664ff8f389ecaf3d137bb0e3f9458afccd714468ae3783ed0e8cf890433229482e0a5111ac1615c6876ebfb4462e7f1d11341984f07f3b6c86f744d61f11e52e42438b50e781ad84a07976e7226234609f4258bbb29ab233ec0b894b29b86d726295b3a5f390b3e8c',
  'hex',
);

const PASSKEY = '00112233445566778899aabbccddeeff';
const COUNTING = Uint8Array.from({ length: 16 }, (_, index) => index);

describe('makeChallenge', () => {
  it('makes 16 bytes, new ones each time', () => {
    const challenges = Array.from({ length: 50 }, () => makeChallenge().toString('hex'));
    expect(new Set(challenges).size).toBe(50);
    expect(challenges.every((each) => each.length === 32)).toBe(true);
  });
});

describe('signatures', () => {
  let mine: PrivateKey;
  let other: PrivateKey;

  beforeAll(async () => {
    const pem = () => makeRsaKey().export({ type: 'pkcs1', format: 'pem' }) as string;
    mine = await parsePrivateKey(pem());
    other = await parsePrivateKey(pem());
  });

  it('of legacy clients are accepted, for the key that made them', () => {
    const user = parsePublicKey(LEGACY_USER_KEY);
    expect(verifySignature(LEGACY_CHALLENGE, LEGACY_PROOF, user)).toBe(true);
    expect(verifySignature(LEGACY_CHALLENGE, LEGACY_PROOF, parsePublicKey(LEGACY_ADMIN_KEY))).toBe(
      false,
    );
    expect(verifySignature(makeChallenge(), LEGACY_PROOF, user)).toBe(false);
  });

  it('verify with the key that made them and with no other', () => {
    const challenge = makeChallenge();
    const proof = signChallenge(challenge, mine);
    expect(proof).toHaveLength(128);
    expect(verifySignature(challenge, proof, mine.publicKey)).toBe(true);
    expect(verifySignature(challenge, proof, other.publicKey)).toBe(false);
    proof[5]! ^= 1;
    expect(verifySignature(challenge, proof, mine.publicKey)).toBe(false);
  });

  it.each([0, 1, 20, 127, 129, 5000])('of %i junk bytes are refused without a throw', (length) => {
    expect(verifySignature(makeChallenge(), Buffer.alloc(length, 7), mine.publicKey)).toBe(false);
  });

  it('are made and accepted over challenges of 16 bytes only', () => {
    expect(() => signChallenge(Buffer.alloc(15), mine)).toThrow(
      new XcpuFormatError('invalid challenge: 15 bytes, expected 16'),
    );
    expect(verifySignature(Buffer.alloc(17), LEGACY_PROOF, mine.publicKey)).toBe(false);
  });
});

describe('signatures by keys that C programs do not know', () => {
  const LENGTHS = {
    'ssh-ed25519': 64,
    'ecdsa-sha2-nistp256': 64,
    'ecdsa-sha2-nistp384': 96,
    'ecdsa-sha2-nistp521': 132,
  } as const;
  const TYPES = Object.keys(LENGTHS) as (keyof typeof LENGTHS)[];
  const make = (type: KeyType): PrivateKey => {
    const key = makeKey(type);
    return { key, publicKey: publicKeyFrom(key) };
  };

  it.each(TYPES)('%s: verify with the key that made them and with no other', (type) => {
    const mine = make(type);
    const challenge = makeChallenge();
    const proof = signChallenge(challenge, mine);
    expect(proof).toHaveLength(LENGTHS[type]);
    expect(verifySignature(challenge, proof, mine.publicKey)).toBe(true);
    expect(verifySignature(makeChallenge(), proof, mine.publicKey)).toBe(false);
    for (const other of KEY_TYPES) {
      expect(verifySignature(challenge, proof, make(other).publicKey)).toBe(false);
    }
    for (let at = 0; at < proof.length; at++) {
      const changed = Buffer.from(proof);
      changed[at]! ^= 1;
      expect(verifySignature(challenge, changed, mine.publicKey)).toBe(false);
    }
  });

  it.each(TYPES)('%s: made in a thread, too', async (type) => {
    const mine = make(type);
    const challenge = makeChallenge();
    const proof = await signChallengeInThread(challenge, mine);
    expect(verifySignature(challenge, proof, mine.publicKey)).toBe(true);
  });

  it.each(TYPES)('%s: of the challenge alone are none', (type) => {
    const { key, publicKey } = make(type);
    const challenge = makeChallenge();
    const hash = type === 'ssh-ed25519' ? null : `sha${type.slice(-3).replace('521', '512')}`;
    const proof = sign(hash, challenge, { key, dsaEncoding: 'ieee-p1363' });
    expect(proof).toHaveLength(LENGTHS[type]);
    expect(verifySignature(challenge, proof, publicKey)).toBe(false);
  });

  it('are of the text that the documents name', () => {
    const text = Buffer.concat([Buffer.from('xcpu log-in 1\0'), COUNTING]);
    const ed25519 = make('ssh-ed25519');
    expect(signChallenge(COUNTING, ed25519)).toEqual(sign(null, text, ed25519.key));
    const p384 = make('ecdsa-sha2-nistp384');
    const proof = sign('sha384', text, { key: p384.key, dsaEncoding: 'ieee-p1363' });
    expect(verifySignature(COUNTING, proof, p384.publicKey)).toBe(true);
  });

  it.each(TYPES)('%s: no junk is one, and none throws', (type) => {
    const { publicKey } = make(type);
    const lengths = fc.oneof(fc.constantFrom(64, 96, 132, 20), fc.nat(300));
    const junk = lengths.chain((length) =>
      fc.oneof(
        fc.constantFrom(Buffer.alloc(length), Buffer.alloc(length, 255)),
        fc.uint8Array({ minLength: length, maxLength: length }),
      ),
    );
    fc.assert(
      fc.property(junk, (proof) => {
        expect(verifySignature(makeChallenge(), proof, publicKey)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it.each(TYPES)('%s: are made over challenges of 16 bytes only', async (type) => {
    const mine = make(type);
    expect(() => signChallenge(Buffer.alloc(17), mine)).toThrow(XcpuFormatError);
    await expect(signChallengeInThread(Buffer.alloc(0), mine)).rejects.toThrow(XcpuFormatError);
    expect(verifySignature(Buffer.alloc(17), Buffer.alloc(64), mine.publicKey)).toBe(false);
  });
});

describe('passkey proofs', () => {
  it('are SHA-1 over the challenge and the hex digits', () => {
    expect(passkeyProof(COUNTING, PASSKEY).toString('hex')).toBe(
      '9ed8d302f94b8b3d8f7db472d0ea1ccf5241be06',
    );
  });

  it('verify for their challenge and passkey only', () => {
    const proof = passkeyProof(COUNTING, PASSKEY);
    expect(verifyPasskey(COUNTING, proof, PASSKEY)).toBe(true);
    expect(verifyPasskey(makeChallenge(), proof, PASSKEY)).toBe(false);
    expect(verifyPasskey(COUNTING, proof, PASSKEY.replace('f', 'e'))).toBe(false);
    expect(verifyPasskey(COUNTING, proof.subarray(1), PASSKEY)).toBe(false);
    expect(verifyPasskey(COUNTING, new Uint8Array(0), PASSKEY)).toBe(false);
  });

  it('need a challenge and a passkey', () => {
    expect(() => passkeyProof(Buffer.alloc(3), PASSKEY)).toThrow(XcpuFormatError);
    expect(() => passkeyProof(COUNTING, 'secret')).toThrow(/^invalid passkey/);
  });
});
