import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  formatPrivateKey,
  makeChallenge,
  parsePrivateKey,
  signChallenge,
  verifySignature,
  XcpuFormatError,
} from '../src/index.js';
import { LEGACY_USER_KEY, makeRsaKey, openSshPrivateKey } from './support.js';

const rsa = makeRsaKey();
const ed25519 = generateKeyPairSync('ed25519').privateKey;
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

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey;
  it.each([
    ['PKCS#1 with a passphrase', pem(rsa, 'pkcs1', 'x'), /encrypted .* ssh-keygen -p/],
    ['PKCS#8 with a passphrase', pem(rsa, 'pkcs8', 'x'), /encrypted/],
    ['OpenSSH with a passphrase', openSshPrivateKey(rsa, { cipher: 'aes256-ctr' }), /encrypted/],
    ['ed25519 in OpenSSH format', openSshPrivateKey(ed25519), /"ssh-ed25519".* RSA/],
    ['ed25519 in PEM', pem(ed25519), /"ed25519"/],
    ['an elliptic curve key', pem(ec, 'sec1'), /"ec"/],
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
