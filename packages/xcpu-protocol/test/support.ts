import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { KeyType } from '../src/index.js';
import { keyTypeOf } from '../src/key-blob.js';

/** The key that the legacy client used in the transcripts. */
export const LEGACY_USER_KEY =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDOPJMEsbKeSd9FqhGF/e8EGkqlFhXYRXnpk39OtUHAgnv71664b165+L776sbliwqiD/v73dgcPYFpz0WkNPWMmlXRcZS78aX/FoI1J8p3zkK0DpKkaU7xIRncyjFXkGAN/WqTNUPbCkQ2a+Qq0o6CCAzeIACqy0/0iqWiOVKMinKv3gPthAsXfbkjkPHOQaNJBF9Id5MgKs6bfSljvfPHVZGPoaVFYaw3x8aCDXrbKrsX0Ld44JaPRxm1gdW2k98yztgYP/3i8LYo6WRka4HEbNJ5uRSFOdaqvVxEq8d8VMqYGfAA4P2fJzQvOS8gny1Qd7q8DippIotzLZIEht9F user_key@xcpu-test';

/** The administrator's key of the same transcripts. */
export const LEGACY_ADMIN_KEY =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDRqnVJFDNKBmKjkaAkwkE6fPvbg30W5B892l4YPSll+0u+2PCWXQO+4GqJ5Gq6ZoC3D+I3gz+34CcplgJ5uCfHV7FARZkoUAtVHGV9rGyc7RIIMHaJfRJQ4mqtTn6nnAUFJx8BJY7GPd1UKGUfbpV/aNAe/I1ZXcQhNM+eYmLCNZFCK1r9ear+RY3mNTB9iPFVDXlLoPugbhLz5IjkWV/s/7Ijxrt2IaQJAX+UFqUMLgIVJrBKEA5P0HX//4VRyEbDe+TftuN6ZY/pOez5bvryytXFMZvgSDkjUIeOEyOZlXLVJmthsnGdAOobzqoir1KnsBkZ/zUj3p2Scv9P/FCj admin_key@xcpu-test';

/** What ssh-keygen wrote, one line of each type but RSA. */
export const SSH_KEYGEN_LINES = [
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInRfZyXUjArGq3OFscLlUA1Jid5KTubvJ8XMDHf/e/2 me',
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBErnEvpExMl7Nq+HifwIgGTLi5OkuC5RasdWR/O2N29mYPUUxCr0LPSEQKjSpEWspiNxk9jyjAo0WpBUck02fTc= me',
  'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBJ88QAFZvWie5It6g6fpmsv/BPm88ArIAa0jA/SMf7je+/Qmu6DzrFfv22AX27mEn19K5px/6LovHF0fHymeu4EHQNrjzVvo2j02fVTyG+iqZPpIwBFHpe36swbV1HWwpw== me',
  'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBACPryqe0snawMiEE8DmAuYG1yuQkeUXDbm8lJYs0fxnmVMFrY44KzxsKBtbBwE/7fzHsjyMAxFbQslY+T3GG0bK/gBrIW2k7BfouNvxwoN0apcxehJlE36WjiMVockuf9GdBK8fFbrSLDZdiMnUSjPwn31m7xdFqNNWPmnA0f7Ykww+cA== me',
] as const;

/** A fresh RSA key; small, because making one takes long. */
export function makeRsaKey(modulusLength = 1024): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

/** A fresh key of any type that logs in. */
export function makeKey(type: KeyType): KeyObject {
  switch (type) {
    case 'ssh-rsa':
      return makeRsaKey();
    case 'ssh-ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    default: {
      const namedCurve = `P-${type.slice(-3)}`;
      return generateKeyPairSync('ec', { namedCurve }).privateKey;
    }
  }
}

/** A private key file in OpenSSH's own format (PROTOCOL.key), as ssh-keygen writes it. */
export function openSshPrivateKey(
  key: KeyObject,
  { comment = 'me@here', cipher = 'none' }: { comment?: string; cipher?: string } = {},
): string {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>;
  const raw = (name: string) => Buffer.from(jwk[name]!, 'base64url');
  const type = Buffer.from(keyTypeOf(key) ?? 'unknown');
  const { publicFields, fields } = openSshFields(jwk, raw);
  const check = Buffer.from('01020304');
  const secret = Buffer.concat([
    check.subarray(0, 4),
    check.subarray(0, 4),
    ...[type, ...fields, Buffer.from(comment)].map(string),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string(Buffer.from(cipher)),
    string(Buffer.from(cipher === 'none' ? 'none' : 'bcrypt')),
    string(
      cipher === 'none' ? Buffer.alloc(0) : Buffer.concat([string(Buffer.alloc(16)), u32(16)]),
    ),
    u32(1),
    string(Buffer.concat([type, ...publicFields].map(string))),
    string(Buffer.concat([secret, padding])),
  ]);
  const base64 = blob.toString('base64').replace(/.{1,70}/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}-----END OPENSSH PRIVATE KEY-----\n`;
}

function openSshFields(jwk: Record<string, string>, raw: (name: string) => Buffer) {
  switch (jwk.kty) {
    case 'RSA': {
      const [n, e, ...secret] = ['n', 'e', 'd', 'qi', 'p', 'q'].map((name) => mpint(raw(name)));
      return { publicFields: [e!, n!], fields: [n!, e!, ...secret] };
    }
    case 'EC': {
      const name = Buffer.from(`nistp${jwk.crv!.slice(2)}`);
      const point = Buffer.concat([Buffer.of(4), raw('x'), raw('y')]);
      return { publicFields: [name, point], fields: [name, point, mpint(raw('d'))] };
    }
    default: {
      const x = raw('x');
      return { publicFields: [x], fields: [x, Buffer.concat([raw('d'), x])] };
    }
  }
}

/** A line of that type with these fields in its blob, valid or not. */
export function keyLine(type: string, ...fields: (Buffer | string)[]): string {
  const blob = Buffer.concat([type, ...fields].map((field) => string(Buffer.from(field))));
  return `${type} ${blob.toString('base64')}`;
}

/** The `ssh-rsa` line of any exponent and modulus, valid or not. */
export function rsaLine(exponent: Buffer, modulus: Buffer, type = 'ssh-rsa'): string {
  const blob = Buffer.concat([Buffer.from(type), exponent, modulus].map(string));
  return `ssh-rsa ${blob.toString('base64')}`;
}

function mpint(number: Buffer): Buffer {
  const first = number.findIndex((byte) => byte !== 0);
  const bytes = number.subarray(Math.max(first, 0));
  return bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function string(bytes: Buffer): Buffer {
  return Buffer.concat([u32(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
