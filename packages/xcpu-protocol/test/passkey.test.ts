import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  decryptPasskey,
  encryptPasskey,
  formatPasskey,
  isPasskey,
  KEY_TYPES,
  makePasskey,
  type PrivateKey,
  parsePasskey,
  parsePrivateKey,
  publicKeyFrom,
  XcpuFormatError,
} from '../src/index.js';
import { makeKey, makeRsaKey } from './support.js';

const newKey = () =>
  parsePrivateKey(makeRsaKey().export({ type: 'pkcs8', format: 'pem' }) as string);

describe('passkeys', () => {
  it('are 32 digits, new ones each time', () => {
    const passkeys = Array.from({ length: 50 }, makePasskey);
    expect(new Set(passkeys).size).toBe(50);
    expect(passkeys.every(isPasskey)).toBe(true);
  });

  it('are bytes and digits in turn, bytes above 0x7f included', () => {
    expect(formatPasskey(Buffer.alloc(16, 0x8f))).toBe('8f'.repeat(16));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parsePasskey(formatPasskey(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each(['', 'secret', 'A'.repeat(32), 'a'.repeat(31), 'a'.repeat(33), `${'a'.repeat(32)}\n`])(
    'are not %j, and the error does not repeat it',
    (text) => {
      expect(isPasskey(text)).toBe(false);
      expect(() => parsePasskey(text)).toThrow(
        new XcpuFormatError('invalid passkey: expected 32 lower-case hex digits'),
      );
    },
  );

  it('have 16 bytes', () => {
    expect(() => formatPasskey(Buffer.alloc(15))).toThrow(XcpuFormatError);
  });
});

describe('encrypted passkeys', () => {
  let mine: PrivateKey;
  let other: PrivateKey;

  beforeAll(async () => {
    mine = await newKey();
    other = await newKey();
  });

  it('are read by the owner of the key only', async () => {
    const passkey = makePasskey();
    const cipher = encryptPasskey(passkey, publicKeyFrom(createPublicKey(mine.key)));
    expect(cipher).toHaveLength(128);
    expect(await decryptPasskey(cipher, mine)).toBe(passkey);
    await expect(decryptPasskey(cipher, other)).rejects.toThrow(XcpuFormatError);
  });

  it.each([0, 1, 127, 128, 129, 4096])('refuses %i junk bytes', async (length) => {
    await expect(decryptPasskey(Buffer.alloc(length, 0x55), mine)).rejects.toThrow(
      'the passkey cannot be decrypted with this key',
    );
  });

  it('refuses what decrypts to something else', async () => {
    const { publicEncrypt, constants } = await import('node:crypto');
    const padding = constants.RSA_PKCS1_PADDING;
    const cipher = publicEncrypt({ key: mine.publicKey.key, padding }, Buffer.from('hello'));
    await expect(decryptPasskey(cipher, mine)).rejects.toThrow(XcpuFormatError);
  });

  it('are made from passkeys only', () => {
    expect(() => encryptPasskey('hello', mine.publicKey)).toThrow(/^invalid passkey/);
  });

  it.each(KEY_TYPES.slice(1))(
    'are not for users with keys of type %s, who are told so',
    async (type) => {
      const key = makeKey(type);
      const publicKey = publicKeyFrom(key);
      const reason = new XcpuFormatError(
        `passkeys are for users with RSA keys, and this key is ${type}`,
      );
      expect(() => encryptPasskey(makePasskey(), publicKey)).toThrow(reason);
      await expect(decryptPasskey(Buffer.alloc(128), { key, publicKey })).rejects.toThrow(reason);
    },
  );
});
