import { generateKeyPairSync, type KeyObject } from 'node:crypto';

/** The key that the legacy client used in the transcripts. */
export const LEGACY_USER_KEY =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDOPJMEsbKeSd9FqhGF/e8EGkqlFhXYRXnpk39OtUHAgnv71664b165+L776sbliwqiD/v73dgcPYFpz0WkNPWMmlXRcZS78aX/FoI1J8p3zkK0DpKkaU7xIRncyjFXkGAN/WqTNUPbCkQ2a+Qq0o6CCAzeIACqy0/0iqWiOVKMinKv3gPthAsXfbkjkPHOQaNJBF9Id5MgKs6bfSljvfPHVZGPoaVFYaw3x8aCDXrbKrsX0Ld44JaPRxm1gdW2k98yztgYP/3i8LYo6WRka4HEbNJ5uRSFOdaqvVxEq8d8VMqYGfAA4P2fJzQvOS8gny1Qd7q8DippIotzLZIEht9F user_key@xcpu-test';

/** The administrator's key of the same transcripts. */
export const LEGACY_ADMIN_KEY =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDRqnVJFDNKBmKjkaAkwkE6fPvbg30W5B892l4YPSll+0u+2PCWXQO+4GqJ5Gq6ZoC3D+I3gz+34CcplgJ5uCfHV7FARZkoUAtVHGV9rGyc7RIIMHaJfRJQ4mqtTn6nnAUFJx8BJY7GPd1UKGUfbpV/aNAe/I1ZXcQhNM+eYmLCNZFCK1r9ear+RY3mNTB9iPFVDXlLoPugbhLz5IjkWV/s/7Ijxrt2IaQJAX+UFqUMLgIVJrBKEA5P0HX//4VRyEbDe+TftuN6ZY/pOez5bvryytXFMZvgSDkjUIeOEyOZlXLVJmthsnGdAOobzqoir1KnsBkZ/zUj3p2Scv9P/FCj admin_key@xcpu-test';

/** A fresh RSA key; small, because making one takes long. */
export function makeRsaKey(modulusLength = 1024): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

/** A private key file in OpenSSH's own format (PROTOCOL.key), as ssh-keygen writes it. */
export function openSshPrivateKey(
  key: KeyObject,
  { comment = 'me@here', cipher = 'none' }: { comment?: string; cipher?: string } = {},
): string {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>;
  const raw = (name: string) => Buffer.from(jwk[name]!, 'base64url');
  const fields =
    jwk.kty === 'RSA'
      ? ['n', 'e', 'd', 'qi', 'p', 'q'].map((name) => mpint(raw(name)))
      : [raw('x'), Buffer.concat([raw('d'), raw('x')])];
  const type = Buffer.from(jwk.kty === 'RSA' ? 'ssh-rsa' : 'ssh-ed25519');
  const publicFields = jwk.kty === 'RSA' ? [fields[1]!, fields[0]!] : [fields[0]!];
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

/** The `ssh-rsa` line of any exponent and modulus, valid or not. */
export function rsaLine(exponent: Buffer, modulus: Buffer, type = 'ssh-rsa'): string {
  const blob = Buffer.concat([Buffer.from(type), exponent, modulus].map(string));
  return `ssh-rsa ${blob.toString('base64')}`;
}

function mpint(bytes: Buffer): Buffer {
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
