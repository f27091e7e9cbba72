import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatPublicKey, parsePublicKey, publicKeyFrom, XcpuFormatError } from '../src/index.js';
import { LEGACY_ADMIN_KEY, LEGACY_USER_KEY, makeRsaKey, rsaLine } from './support.js';

const E = Buffer.of(1, 0, 1);
/** An odd number with as many significant bits as asked for. */
const modulus = (bits: number) => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  bytes[0] = 0xff >> ((8 - (bits % 8)) % 8);
  return bytes[0] >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
};

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
    [
      'an ed25519 key',
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKg+TX5YwmFQCgZzD0wBJEmqUFCmoTGoXLpZ5OhDQxBN me',
    ],
    ['an ecdsa key', 'ecdsa-sha2-nistp256 AAAA me'],
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

  it('refuses other types', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => publicKeyFrom(publicKey)).toThrow(new XcpuFormatError('invalid key type'));
  });
});
