import { generateKeyPair } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Makes an RSA key pair: the private key as PEM in `path`, readable by its owner only, and the public key as a line
 * of OpenSSH in `path.pub`. What ssh-keygen would do, for machines that lack it.
 *
 * @param {string} path
 * @param {string} comment what follows the key in its line
 */
export async function writeKeyPair(path, comment) {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
  });
  const { n, e } = publicKey.export({ format: 'jwk' });
  const fields = [Buffer.from('ssh-rsa'), mpint(e), mpint(n)];
  const blob = Buffer.concat(fields.flatMap((field) => [uint32(field.length), field]));
  await Promise.all([
    writeFile(path, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 }),
    writeFile(`${path}.pub`, `ssh-rsa ${blob.toString('base64')} ${comment}\n`),
  ]);
}

/** A positive integer as RFC 4251, section 5, writes it: a leading zero byte keeps the sign bit clear. */
function mpint(base64url) {
  const bytes = Buffer.from(base64url, 'base64url');
  return bytes[0] >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
