import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatPublicKey,
  KEY_TYPES,
  parsePublicKey,
  publicKeyFrom,
  XcpuFormatError,
} from '../src/index.js';
import {
  keyLine,
  LEGACY_ADMIN_KEY,
  LEGACY_USER_KEY,
  makeKey,
  makeRsaKey,
  rsaLine,
  SSH_KEYGEN_LINES,
} from './support.js';

const E = Buffer.of(1, 0, 1);
/** An odd number with as many significant bits as asked for. */
const modulus = (bits: number) => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  bytes[0] = 0xff >> ((8 - (bits % 8)) % 8);
  return bytes[0] >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
};

const [ED25519_LINE, P256_LINE] = SSH_KEYGEN_LINES;

const POINT = blobFieldsOf(P256_LINE)[2]!;

describe('parsePublicKey', () => {
  it.each([
    ['user', LEGACY_USER_KEY, 'user_key@xcpu-test'],
    ['admin', LEGACY_ADMIN_KEY, 'admin_key@xcpu-test'],
  ])('reads the %s key of a legacy cluster', (_, line, comment) => {
    const publicKey = parsePublicKey(`${line}\n`);
    expect(publicKey).toMatchObject({ comment, line });
    expect(publicKey.key.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(publicKeyFrom(publicKey.key, comment).line).toBe(line);
  });

  it.each(SSH_KEYGEN_LINES)('reads what ssh-keygen wrote: %s', (line) => {
    const publicKey = parsePublicKey(`${line}\n`);
    expect(publicKey).toMatchObject({ type: line.split(' ')[0], comment: 'me', line });
    expect(publicKeyFrom(publicKey.key, 'me').line).toBe(line);
  });

  it('reads keys without a comment, and comments with blanks', () => {
    const bare = LEGACY_USER_KEY.split(' ').slice(0, 2).join(' ');
    expect(parsePublicKey(bare).comment).toBe('');
    expect(parsePublicKey(`${bare}  my old\tkey`).comment).toBe('my old\tkey');
  });

  it.each([1024, 1025, 2047, 16384])('takes %i bits', (bits) => {
    const { key } = parsePublicKey(rsaLine(E, modulus(bits)));
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(bits);
  });

  it.each([
    ['a DSA key', 'ssh-dss AAAA me'],
    ['a key in hardware', 'sk-ssh-ed25519@openssh.com AAAA me'],
    ['a certificate', 'ssh-ed25519-cert-v01@openssh.com AAAA me'],
    ['a type written otherwise', ED25519_LINE.replace('ssh-ed25519', 'SSH-ed25519')],
    ['an Ed25519 key that is called RSA', ED25519_LINE.replace('ssh-ed25519', 'ssh-rsa')],
    ['an RSA key that is called Ed25519', LEGACY_USER_KEY.replace('ssh-rsa', 'ssh-ed25519')],
    ['a P-256 key that is called P-384', P256_LINE.replace('256', '384')],
    ['another word', 'no-pty AAAA'],
    ['another type inside', rsaLine(E, modulus(2048), 'ssh-dss')],
  ])('refuses %s as type', (_, line) => {
    expect(() => parsePublicKey(line)).toThrow(new XcpuFormatError('invalid key type'));
  });

  it.each([
    ['nothing', ''],
    ['one word', 'ssh-rsa'],
    ['text that is not base64', 'ssh-rsa AAAA$ me'],
    ['an empty blob', 'ssh-rsa AA== me'],
    ['a cut blob', LEGACY_USER_KEY.slice(0, 200)],
    ['two lines', `${LEGACY_USER_KEY}\n${LEGACY_ADMIN_KEY}`],
    ['a control character in the comment', `${LEGACY_USER_KEY}\x1b[2J`],
    ['1023 bits', rsaLine(E, modulus(1023))],
    ['16385 bits', rsaLine(E, modulus(16385))],
    ['an even modulus', rsaLine(E, Buffer.concat([modulus(2040), Buffer.of(2)]))],
    ['a negative modulus', rsaLine(E, Buffer.alloc(256, 0xff))],
    ['a modulus padded with zeros', rsaLine(E, Buffer.concat([Buffer.alloc(200), modulus(1024)]))],
    ['no modulus', rsaLine(E, Buffer.alloc(0))],
    ['no exponent', rsaLine(Buffer.alloc(0), modulus(2048))],
    ['exponent 1', rsaLine(Buffer.of(1), modulus(2048))],
    ['an even exponent', rsaLine(Buffer.of(4), modulus(2048))],
    ['a huge exponent', rsaLine(Buffer.alloc(9, 3), modulus(2048))],
    ['an Ed25519 key of 31 bytes', keyLine('ssh-ed25519', Buffer.alloc(31, 2))],
    ['an Ed25519 key of 33 bytes', keyLine('ssh-ed25519', Buffer.alloc(33, 2))],
    ['an Ed25519 key off its curve', keyLine('ssh-ed25519', Buffer.alloc(32, 2))],
    ['an Ed25519 key of small order', keyLine('ssh-ed25519', Buffer.alloc(32))],
    ['an Ed25519 key and more', keyLine('ssh-ed25519', blobFieldsOf(ED25519_LINE)[1]!, 'more')],
    ['no Ed25519 key', keyLine('ssh-ed25519')],
    ['another curve inside', keyLine('ecdsa-sha2-nistp256', 'nistp384', POINT)],
    ['a point off its curve', keyLine('ecdsa-sha2-nistp256', 'nistp256', offCurve(POINT))],
    ['the point at infinity', keyLine('ecdsa-sha2-nistp256', 'nistp256', Buffer.of(0))],
    ['the point 0, 0', keyLine('ecdsa-sha2-nistp256', 'nistp256', zeros(POINT))],
    ['a compressed point', keyLine('ecdsa-sha2-nistp256', 'nistp256', compressed(POINT))],
    ['a short point', keyLine('ecdsa-sha2-nistp256', 'nistp256', POINT.subarray(0, -1))],
    ['a point and more', keyLine('ecdsa-sha2-nistp256', 'nistp256', POINT, '')],
    ['no point', keyLine('ecdsa-sha2-nistp256', 'nistp256')],
    ['a long comment', `${LEGACY_USER_KEY} ${'x'.repeat(9000)}`],
  ])('refuses %s', (_, line) => {
    expect(() => parsePublicKey(line)).toThrow(new XcpuFormatError('invalid key'));
  });
});

describe('formatPublicKey', () => {
  it('gives the line back', () => {
    expect(formatPublicKey(parsePublicKey(` ${LEGACY_USER_KEY} \n`))).toBe(LEGACY_USER_KEY);
  });
});

describe('publicKeyFrom', () => {
  it('writes the public half of a key, which is read as the same key', () => {
    const key = makeRsaKey();
    const { line } = publicKeyFrom(key, 'me');
    expect(line).toMatch(/^ssh-rsa [A-Za-z0-9+/=]+ me$/);
    expect(parsePublicKey(line).key.export({ format: 'jwk' })).toEqual(
      publicKeyFrom(key).key.export({ format: 'jwk' }),
    );
  });

  it.each(KEY_TYPES)('writes keys of type %s', (type) => {
    const key = makeKey(type);
    const publicKey = publicKeyFrom(key, 'me');
    expect(publicKey).toMatchObject({ type, comment: 'me' });
    expect(publicKey.key.equals(createPublicKey(key))).toBe(true);
  });

  it('refuses other types', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    expect(() => publicKeyFrom(publicKey)).toThrow(new XcpuFormatError('invalid key type'));
  });
});

describe('any blob', () => {
  it.each(SSH_KEYGEN_LINES)('gives a key or an XcpuFormatError: %s', (line) => {
    const [type = '', base64 = ''] = line.split(' ');
    const blob = Buffer.from(base64, 'base64');
    const changed = fc.record({ at: fc.nat(blob.length - 1), to: fc.nat(255), cut: fc.nat(3) });
    fc.assert(
      fc.property(changed, ({ at, to, cut }) => {
        const bytes = Buffer.from(blob.subarray(0, cut === 0 ? at : undefined));
        if (cut !== 0) bytes[at] = to;
        try {
          const { key } = parsePublicKey(`${type} ${bytes.toString('base64')}`);
          // What was taken is what was said: nothing of it was left out or filled up.
          expect(publicKeyFrom(key).line).toBe(`${type} ${bytes.toString('base64')}`);
        } catch (error) {
          expect(error).toBeInstanceOf(XcpuFormatError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** The fields of a line's blob, its type first. */
function blobFieldsOf(line: string): Buffer[] {
  const blob = Buffer.from(line.split(' ')[1]!, 'base64');
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; at += 4 + blob.readUInt32BE(at)) {
    fields.push(blob.subarray(at + 4, at + 4 + blob.readUInt32BE(at)));
  }
  return fields;
}

function offCurve(point: Buffer): Buffer {
  const changed = Buffer.from(point);
  changed[1]! ^= 1;
  return changed;
}

function zeros(point: Buffer): Buffer {
  return Buffer.concat([point.subarray(0, 1), Buffer.alloc(point.length - 1)]);
}

function compressed(point: Buffer): Buffer {
  const half = (point.length - 1) / 2;
  return Buffer.concat([Buffer.of(2 + (point.at(-1)! & 1)), point.subarray(1, 1 + half)]);
}
