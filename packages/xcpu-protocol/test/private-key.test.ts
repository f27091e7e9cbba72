import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  formatPrivateKey,
  KEY_TYPES,
  makeChallenge,
  parsePrivateKey,
  signChallenge,
  verifySignature,
  XcpuFormatError,
} from '../src/index.js';
import { LEGACY_USER_KEY, makeKey, makeRsaKey, openSshPrivateKey } from './support.js';

const rsa = makeRsaKey();
const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1' = 'pkcs8', passphrase?: string) =>
  key.export({
    type,
    format: 'pem',
    ...(passphrase ? { cipher: 'aes-256-cbc', passphrase } : {}),
  } as never) as unknown as string;

describe('parsePrivateKey', () => {
  it.each([
    ['PKCS#1', pem(rsa, 'pkcs1')],
    ['PKCS#8', pem(rsa, 'pkcs8')],
    ['OpenSSH', openSshPrivateKey(rsa)],
    ['Windows lines', pem(rsa, 'pkcs1').replaceAll('\n', '\r\n')],
  ])('reads %s and derives the public half', async (_, text) => {
    const privateKey = await parsePrivateKey(text);
    const challenge = makeChallenge();
    const proof = signChallenge(challenge, privateKey);
    expect(verifySignature(challenge, proof, privateKey.publicKey)).toBe(true);
    expect(privateKey.key.equals(rsa)).toBe(true);
  });

  it('keeps the comment of an OpenSSH key, fit for one line', async () => {
    const { publicKey } = await parsePrivateKey(openSshPrivateKey(rsa, { comment: 'me\nyou' }));
    expect(publicKey.line.split(' ')[0]).toBe('ssh-rsa');
    expect(publicKey.comment).toBe('me you');
  });

  it.each(KEY_TYPES.flatMap((type) => [[type, 'PKCS#8'] as const, [type, 'OpenSSH'] as const]))(
    'reads a key of type %s in %s',
    async (type, form) => {
      const key = makeKey(type);
      const text = form === 'OpenSSH' ? openSshPrivateKey(key) : pem(key);
      const privateKey = await parsePrivateKey(text);
      expect(privateKey.publicKey).toMatchObject({
        type,
        comment: form === 'OpenSSH' ? 'me@here' : '',
      });
      const challenge = makeChallenge();
      const proof = signChallenge(challenge, privateKey);
      expect(verifySignature(challenge, proof, privateKey.publicKey)).toBe(true);
    },
  );

  it('reads ECDSA keys in SEC 1', async () => {
    const key = makeKey('ecdsa-sha2-nistp521');
    expect((await parsePrivateKey(pem(key, 'sec1'))).key.equals(key)).toBe(true);
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  const ed448 = generateKeyPairSync('ed448').privateKey;
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey;
  it.each([
    ['PKCS#1 with a passphrase', pem(rsa, 'pkcs1', 'x'), /encrypted .* ssh-keygen -p/],
    ['PKCS#8 with a passphrase', pem(rsa, 'pkcs8', 'x'), /encrypted/],
    ['OpenSSH with a passphrase', openSshPrivateKey(rsa, { cipher: 'aes256-ctr' }), /encrypted/],
    ['a key of another kind', pem(ed448), /"ed448"; xcpu logs in with RSA, Ed25519 and ECDSA keys/],
    ['a key on another curve', pem(ec, 'sec1'), /"secp256k1"/],
    ['ECDSA with a passphrase', pem(makeKey('ecdsa-sha2-nistp256'), 'sec1', 'x'), /encrypted/],
    ['Ed25519 with a passphrase', pem(makeKey('ssh-ed25519'), 'pkcs8', 'x'), /encrypted/],
    ['an RSA-PSS key', pem(pss), /"rsa-pss"/],
    ['a short key', pem(makeRsaKey(512)), /512 bits; xcpu takes 1024 to 16384/],
    ['a public key line', LEGACY_USER_KEY, /this is a public key/],
    [
      'a public key in PEM',
      '-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----',
      /holds a PUBLIC KEY/,
    ],
    ['nothing', '', /not a private key/],
    ['a huge text', `${pem(rsa)}${' '.repeat(70_000)}`, /not a private key/],
    ['a damaged PEM', pem(rsa).replace(/\n.{30}/, '\n'), /damaged/],
    ['a damaged OpenSSH file', openSshPrivateKey(rsa).replace(/\n.{40}/, '\n'), /damaged/],
    [
      'an empty OpenSSH file',
      '-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----',
      /damaged/,
    ],
  ])('refuses %s', async (_, text, message) => {
    const refused = parsePrivateKey(text);
    await expect(refused).rejects.toThrow(XcpuFormatError);
    await expect(refused).rejects.toThrow(message);
  });
});

describe('formatPrivateKey', () => {
  it('gives back what it was made from', async () => {
    const text = formatPrivateKey(await parsePrivateKey(pem(rsa, 'pkcs1')));
    expect(text).toBe(pem(rsa, 'pkcs8'));
    expect((await parsePrivateKey(text)).key.equals(rsa)).toBe(true);
  });
});
