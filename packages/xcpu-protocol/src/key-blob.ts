import { createPublicKey, type KeyObject } from 'node:crypto';
import { isEdwardsKey } from './edwards-point.js';
import { XcpuFormatError } from './errors.js';

/** The types of keys that log in: those of users, and the administrator's. The C programs know the first only. */
export const KEY_TYPES = [
  'ssh-rsa',
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** RSA moduli accepted, in bits: legacy clusters have keys of 1024; the upper bound limits our work. */
export const MIN_RSA_BITS = 1024;
export const MAX_RSA_BITS = 16384;

const MAX_EXPONENT_BYTES = 8;

/**
 * The key of an SSH blob: RFC 4253, section 6.6; RFC 5656, section 3.1; RFC 8709, section 4.
 *
 * @throws XcpuFormatError "invalid key type" if it is of another type than told, "invalid key"
 */
export function keyFromBlob(type: KeyType, blob: Buffer): KeyObject {
  const [name, ...fields] = stringsOf(blob);
  if (name !== undefined && name.toString('latin1') !== type) {
    throw new XcpuFormatError('invalid key type');
  }
  const jwk = FORMS[type].toJwk(fields);
  if (!jwk) {
    throw new XcpuFormatError('invalid key');
  }
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    // Where a point is not on its curve, above all.
    throw new XcpuFormatError('invalid key', { cause });
  }
}

/** The SSH blob of a public key; `keyFromBlob` gives the key back. */
export function blobOf(type: KeyType, key: KeyObject): Buffer {
  const fields = FORMS[type].fromJwk(key.export({ format: 'jwk' }) as Jwk);
  return Buffer.concat([Buffer.from(type), ...fields].flatMap((field) => [lengthOf(field), field]));
}

/** The type of a public or private key of Node.js's, undefined where it is none that logs in. */
export function keyTypeOf(key: KeyObject): KeyType | undefined {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return 'ssh-rsa';
    case 'ed25519':
      return 'ssh-ed25519';
    case 'ec':
      return CURVES.find(({ openssl }) => openssl === key.asymmetricKeyDetails?.namedCurve)?.type;
    default:
      return undefined;
  }
}

type Jwk = Record<string, string>;

/** What follows the type's name in a blob. */
interface Form {
  /** Undefined where the fields cannot be such a key. */
  toJwk(fields: readonly Buffer[]): Jwk | undefined;
  fromJwk(jwk: Jwk): Buffer[];
}

const RSA: Form = {
  toJwk: ([exponent, modulus, ...rest]) => {
    if (!exponent || !modulus || rest.length > 0) return undefined;
    if (!isExponent(exponent) || !isModulus(modulus)) return undefined;
    return { kty: 'RSA', e: base64url(exponent), n: base64url(modulus) };
  },
  fromJwk: ({ e = '', n = '' }) => [positiveInteger(e), positiveInteger(n)],
};

const ED25519: Form = {
  toJwk: ([point, ...rest]) => {
    if (!point || rest.length > 0 || !isEdwardsKey(point)) return undefined;
    return { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') };
  },
  fromJwk: ({ x = '' }) => [Buffer.from(x, 'base64url')],
};

interface Curve {
  readonly type: KeyType;
  /** Its name in a blob. */
  readonly ssh: string;
  readonly openssl: string;
  readonly jwk: string;
  /** Of one coordinate. */
  readonly bytes: number;
}

const CURVES: readonly Curve[] = [
  {
    type: 'ecdsa-sha2-nistp256',
    ssh: 'nistp256',
    openssl: 'prime256v1',
    jwk: 'P-256',
    bytes: 32,
  },
  { type: 'ecdsa-sha2-nistp384', ssh: 'nistp384', openssl: 'secp384r1', jwk: 'P-384', bytes: 48 },
  { type: 'ecdsa-sha2-nistp521', ssh: 'nistp521', openssl: 'secp521r1', jwk: 'P-521', bytes: 66 },
];

const FORMS: Readonly<Record<KeyType, Form>> = {
  'ssh-rsa': RSA,
  'ssh-ed25519': ED25519,
  'ecdsa-sha2-nistp256': ecdsa(CURVES[0]!),
  'ecdsa-sha2-nistp384': ecdsa(CURVES[1]!),
  'ecdsa-sha2-nistp521': ecdsa(CURVES[2]!),
};

/** Begins the encoding of a point by both coordinates; ssh-keygen makes no other. */
const UNCOMPRESSED = 4;

function ecdsa({ ssh, jwk: crv, bytes }: Curve): Form {
  return {
    toJwk: ([name, point, ...rest]) => {
      if (name?.toString('latin1') !== ssh || !point || rest.length > 0) return undefined;
      if (point.length !== 1 + 2 * bytes || point[0] !== UNCOMPRESSED) return undefined;
      const x = point.subarray(1, 1 + bytes).toString('base64url');
      return { kty: 'EC', crv, x, y: point.subarray(1 + bytes).toString('base64url') };
    },
    fromJwk: ({ x = '', y = '' }) => {
      const coordinates = [x, y].map((text) => Buffer.from(text, 'base64url'));
      return [Buffer.from(ssh), Buffer.concat([Buffer.of(UNCOMPRESSED), ...coordinates])];
    },
  };
}

/** The length-prefixed strings that make up an SSH blob (RFC 4251, section 5). */
function stringsOf(blob: Buffer): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const length = at + 4 <= blob.length ? blob.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > blob.length) {
      throw new XcpuFormatError('invalid key');
    }
    strings.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return strings;
}

function isExponent(exponent: Buffer): boolean {
  if (exponent.length > MAX_EXPONENT_BYTES) return false;
  const value = BigInt(`0x0${exponent.toString('hex')}`);
  return value >= 3n && value % 2n === 1n && exponent[0]! < 0x80;
}

function isModulus(modulus: Buffer): boolean {
  const digits = modulus[0] === 0 ? modulus.subarray(1) : modulus;
  const bits = digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
  const negative = modulus[0]! >= 0x80;
  const even = (modulus.at(-1) ?? 0) % 2 === 0;
  return !negative && !even && digits[0] !== 0 && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
}

function base64url(integer: Buffer): string {
  return (integer[0] === 0 ? integer.subarray(1) : integer).toString('base64url');
}

/** An SSH mpint: a leading zero byte keeps the number positive. */
function positiveInteger(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  return bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return length;
}
