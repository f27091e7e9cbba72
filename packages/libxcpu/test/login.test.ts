import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { formatPrivateKey } from '@xcpu/xcpu-protocol';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { adminLogins, loginFor, SetupError, userLogin } from '../src/index.js';
import { alice, aliceKey } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'xcpu-login-'));
const keyFile = join(folder, 'key');
writeFileSync(keyFile, formatPrivateKey(aliceKey));
writeFileSync(join(folder, 'key.pub'), `${aliceKey.publicKey.line}\n`);
afterAll(() => rmSync(folder, { recursive: true }));

const self = { user: userInfo().username };

describe('userLogin', () => {
  it('is the invoking user', async () => {
    expect(await userLogin({ keyFile })).toMatchObject({ ...self, key: { file: keyFile } });
  });

  it('takes a name that was chosen', async () => {
    expect(await userLogin({ user: 'bob', keyFile })).toMatchObject({ user: 'bob' });
  });

  it.each([
    ['missing', 'cannot read the private key .*missing: no such file or directory'],
    ['key.pub', 'this is a public key; give the file of the private key'],
  ])('refuses the key file %s', async (name, reason) => {
    const refused = userLogin({ keyFile: join(folder, name) });
    await expect(refused).rejects.toThrow(SetupError);
    await expect(refused).rejects.toThrow(new RegExp(reason));
  });
});

describe("a user's own key", () => {
  const home = mkdtempSync(join(tmpdir(), 'xcpu-home-'));
  const at = (name: string) => join(home, '.ssh', name);
  mkdirSync(join(home, '.ssh'));
  const write = (name: string, pem: string | Buffer) => writeFileSync(at(name), pem);
  const own = async () => (await userLogin({ user: 'me' })).key;

  beforeEach(() => vi.stubEnv('HOME', home));
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => rmSync(home, { recursive: true }));

  it('is the first of three that is there', async () => {
    expect(await own()).toBeUndefined();
    for (const [name, key] of [
      ['id_ecdsa', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
      ['id_ed25519', generateKeyPairSync('ed25519').privateKey],
      ['id_rsa', aliceKey.key],
    ] as const) {
      write(name, key.export({ type: 'pkcs8', format: 'pem' }));
      expect(await own()).toMatchObject({ file: at(name), found: true });
    }
  });

  it('is not passed over where it cannot be used', async () => {
    const secret = { cipher: 'aes-256-cbc', passphrase: 'x' };
    write('id_rsa', aliceKey.key.export({ type: 'pkcs8', format: 'pem', ...secret }));
    await expect(own()).rejects.toThrow(SetupError);
    await expect(own()).rejects.toThrow(
      /id_rsa: the private key is encrypted .*; -k names another/,
    );
  });
});

describe('adminLogins', () => {
  it('tries the administrator, then the invoking user with the same key', async () => {
    const logins = await adminLogins({ adminKeyFile: keyFile, fallBack: true, env: {} });
    expect(logins).toMatchObject([
      { user: 'xcpu-admin', key: { file: keyFile } },
      { ...self, key: { file: keyFile } },
    ]);
  });

  it('takes the key that $XCPU_ADMIN_KEY names, unless an option does', async () => {
    const env = { XCPU_ADMIN_KEY: keyFile };
    expect(await adminLogins({ env })).toMatchObject([{ user: 'xcpu-admin' }]);
    const other = { env: { XCPU_ADMIN_KEY: '/missing' }, adminKeyFile: keyFile };
    expect(await adminLogins(other)).toHaveLength(1);
    await expect(adminLogins({ env: { XCPU_ADMIN_KEY: '/missing' } })).rejects.toThrow(SetupError);
  });

  it('logs in as a named user with the key', async () => {
    const logins = await adminLogins({ adminKeyFile: keyFile, user: 'bob', fallBack: true });
    expect(logins).toMatchObject([{ user: 'bob' }]);
  });
});

it('logs in as the user whom the node set names', () => {
  const node = { name: 'n1', host: 'n1', port: 6668 };
  expect(loginFor(node, alice)).toBe(alice);
  expect(loginFor({ ...node, user: 'bob' }, alice)).toEqual({
    ...alice,
    user: 'bob',
  });
});
