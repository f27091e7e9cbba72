import { createPublicKey, type KeyObject } from 'node:crypto';
import { XcpuFormatError } from './errors.js';

/** The public half of a user's or the administrator's RSA key. */
export interface PublicKey {
  readonly key: KeyObject;
  /** What follows the key in its line, usually `user@host`; may be empty. */
  readonly comment: string;
  /** The OpenSSH line that it came from, or that says it: `ssh-rsa AAAA... comment`. */
  readonly line: string;
}

/** RSA moduli accepted, in bits: legacy clusters have keys of 1024; the upper bound limits our work. */
export const MIN_RSA_BITS = 1024;
export const MAX_RSA_BITS = 16384;

/** A line for a modulus of 16384 bits has 2800 characters; the rest is comment. */
const MAX_LINE = 8192;
const MAX_EXPONENT_BYTES = 8;
const TYPE = 'ssh-rsa';

/**
 * An OpenSSH public key line, as in `id_rsa.pub`, a trailing newline allowed. Only RSA keys are
 * accepted, because xcpu's proofs are made with RSA.
 *
 * @throws XcpuFormatError "invalid key type", "invalid key"
 */
export function parsePublicKey(text: string): PublicKey {
  const line = text.length <= MAX_LINE ? text.trim() : '';
  const match = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(line);
  if (!match || /[\x00-\x08\x0a-\x1f\x7f]/.test(line)) {
    throw new XcpuFormatError('invalid key');
  }
  const [, type = '', base64 = '', comment = ''] = match;
  if (type !== TYPE) {
    throw new XcpuFormatError('invalid key type');
  }
  return { key: keyFromBlob(Buffer.from(base64, 'base64')), comment, line };
}

/** The OpenSSH line of a key, without a newline; `parsePublicKey` gives the key back. */
export function formatPublicKey(publicKey: PublicKey): string {
  return publicKey.line;
}

/**
 * The OpenSSH form of a Node.js key, public or private: its public half with the given comment.
 *
 * @throws XcpuFormatError when the key is not RSA, or too short or long
 */
export function publicKeyFrom(key: KeyObject, comment = ''): PublicKey {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  if (half.asymmetricKeyType !== 'rsa') {
    throw new XcpuFormatError('invalid key type');
  }
  const { n = '', e = '' } = half.export({ format: 'jwk' });
  const fields = [Buffer.from(TYPE), positiveInteger(e), positiveInteger(n)];
  const blob = Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
  return parsePublicKey(`${TYPE} ${blob.toString('base64')} ${comment}`);
}

/** An ssh-rsa blob (RFC 4253, section 6.6): the type, the exponent, the modulus. */
function keyFromBlob(blob: Buffer): KeyObject {
  const [type, exponent, modulus, ...rest] = stringsOf(blob);
  if (type !== undefined && type.toString('latin1') !== TYPE) {
    throw new XcpuFormatError('invalid key type');
  }
  if (exponent === undefined || modulus === undefined || rest.length > 0) {
    throw new XcpuFormatError('invalid key');
  }
  checkExponent(exponent);
  checkModulus(modulus);
  try {
    const jwk = { kty: 'RSA', e: base64url(exponent), n: base64url(modulus) };
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw new XcpuFormatError('invalid key', { cause });
  }
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

function checkExponent(exponent: Buffer): void {
  const value =
    exponent.length <= MAX_EXPONENT_BYTES ? BigInt(`0x0${exponent.toString('hex')}`) : 0n;
  if (value < 3n || value % 2n === 0n || exponent[0]! >= 0x80) {
    throw new XcpuFormatError('invalid key');
  }
}

function checkModulus(modulus: Buffer): void {
  const digits = modulus[0] === 0 ? modulus.subarray(1) : modulus;
  const bits = digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
  const negative = modulus[0]! >= 0x80;
  const even = (modulus.at(-1) ?? 0) % 2 === 0;
  if (negative || even || digits[0] === 0 || bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new XcpuFormatError('invalid key');
  }
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
