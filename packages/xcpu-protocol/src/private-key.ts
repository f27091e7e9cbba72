import { createPrivateKey, type KeyObject } from 'node:crypto';
import { show, XcpuFormatError } from './errors.js';
import { keyTypeOf } from './key-blob.js';
import { MAX_RSA_BITS, MIN_RSA_BITS, type PublicKey, publicKeyFrom } from './keys.js';

/** A user's or the administrator's key, able to sign and, if it is an RSA key, to decrypt. */
export interface PrivateKey {
  readonly key: KeyObject;
  /** The half that nodes know. */
  readonly publicKey: PublicKey;
}

/** A key of 16384 bits has 13 KB in PEM. */
const MAX_KEY_TEXT = 64 * 1024;

/**
 * The text of a private key file: PEM (PKCS#1, SEC 1 or PKCS#8) or OpenSSH's own format. The reader of the
 * latter is loaded when it is first needed.
 *
 * @throws XcpuFormatError saying what the text is instead: encrypted, of another type, a public key, no key
 */
export async function parsePrivateKey(text: string): Promise<PrivateKey> {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/m.exec(text)?.[1];
  if (label === undefined || text.length > MAX_KEY_TEXT) {
    throw new XcpuFormatError(
      /^(ssh|ecdsa)-\S+ /.test(text)
        ? 'this is a public key; give the file of the private key, without .pub'
        : 'not a private key: expected a PEM or OpenSSH private key file',
    );
  }
  if (!label.endsWith('PRIVATE KEY')) {
    throw new XcpuFormatError(`not a private key: the file holds a ${label}`);
  }
  if (label.startsWith('ENCRYPTED') || /^Proc-Type: *4,ENCRYPTED/m.test(text)) {
    throw encrypted();
  }
  return label === 'OPENSSH PRIVATE KEY' ? parseOpenSsh(text) : fromPem(text, '');
}

/** The PEM text (PKCS#8) of a key; `parsePrivateKey` gives the key back, without its comment. */
export function formatPrivateKey(privateKey: PrivateKey): string {
  return privateKey.key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

async function parseOpenSsh(text: string): Promise<PrivateKey> {
  // The sub-path spares loading an SSH client and server.
  const { default: keyParser } = await import('ssh2/lib/protocol/keyParser.js');
  let parsed: ReturnType<typeof keyParser.parseKey>;
  try {
    parsed = keyParser.parseKey(text);
  } catch (cause) {
    throw malformed(cause);
  }
  if (parsed instanceof Error) {
    throw /encrypted/i.test(parsed.message) ? encrypted() : malformed(parsed);
  }
  const [key] = Array.isArray(parsed) ? parsed : [parsed];
  if (key === undefined || key instanceof Error) {
    throw malformed(key);
  }
  return fromPem(key.getPrivatePEM(), key.comment);
}

function fromPem(pem: string, comment: string): PrivateKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw malformed(cause);
  }
  if (keyTypeOf(key) === undefined) {
    throw ofAnotherType(key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown');
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)) {
    throw new XcpuFormatError(
      `the private key has ${bits} bits; xcpu takes ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`,
    );
  }
  try {
    return { key, publicKey: publicKeyFrom(key, comment.replace(/[\x00-\x1f\x7f]/g, ' ')) };
  } catch (cause) {
    throw malformed(cause);
  }
}

function encrypted(): XcpuFormatError {
  return new XcpuFormatError(
    'the private key is encrypted with a passphrase; remove it from a copy with ssh-keygen -p',
  );
}

function ofAnotherType(type: string): XcpuFormatError {
  return new XcpuFormatError(
    `the private key is of type ${show(type)}; xcpu logs in with RSA, Ed25519 and ECDSA keys (nistp256, 384, 521), as ssh-keygen makes`,
  );
}

function malformed(cause: unknown): XcpuFormatError {
  return new XcpuFormatError('the private key is damaged or of an unknown format', { cause });
}
