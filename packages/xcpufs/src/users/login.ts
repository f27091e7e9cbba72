import { QidType } from '@xcpu/9p-protocol';
import { type AuthFile, type Login, nextQidPath } from '@xcpu/9p-protocol/server';
import { makeChallenge, PASSKEY_PROOF_BYTES, verifySignature } from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';
import type { Passkeys } from './passkeys.js';
import type { User, UserTable } from './users.js';

/** A signature by a key of 16384 bits. */
const MAX_PROOF = 2048;

/** Decides who a client is: wire document, section 2. */
export class Logins {
  readonly #users: UserTable;
  readonly #passkeys: Passkeys;

  constructor(users: UserTable, passkeys: Passkeys) {
    this.#users = users;
    this.#passkeys = passkeys;
  }

  /** The authentication file on which a client proves to be the user. @throws NinePError `unknown user` */
  challenge(login: Login): ProofFile {
    return new ProofFile(this.#user(login));
  }

  /**
   * The user, if what was written to the authentication file proves it. Whoever has no key gets nothing.
   * @throws NinePError `unknown user`, `authentication failed`
   */
  check(login: Login, auth: AuthFile | undefined): User {
    const user = this.#user(login);
    if (!(auth instanceof ProofFile) || auth.user !== user || !this.#proves(user, auth)) {
      throw nodeError('authentication failed');
    }
    return user;
  }

  /** The number, where there is one, wins over the name. */
  #user({ uname, nUname }: Login): User {
    const user = nUname === undefined ? this.#users.byName(uname) : this.#users.byUid(nUname);
    if (!user?.key && user !== this.#users.admin) throw nodeError('unknown user');
    return user as User;
  }

  #proves(user: User, file: ProofFile): boolean {
    if (file.proven) return true;
    const { challenge, proof } = file;
    const { admin } = this.#users;
    if (proof.length === PASSKEY_PROOF_BYTES) {
      file.proven = this.#passkeys.redeem(user, challenge, proof);
    } else {
      file.proven =
        (user.key !== undefined && verifySignature(challenge, proof, user.key)) ||
        (admin.key !== undefined && verifySignature(challenge, proof, admin.key));
    }
    return file.proven;
  }
}

/** Reads as the challenge, takes the answer to it. Several attaches may use one that was proven. */
class ProofFile implements AuthFile {
  readonly qid = { type: QidType.AUTH, version: 0, path: nextQidPath() };
  readonly user: User;
  readonly challenge = makeChallenge();
  proof = Buffer.alloc(0);
  proven = false;

  constructor(user: User) {
    this.user = user;
  }

  read(offset: number, count: number): Uint8Array {
    return this.challenge.subarray(offset, offset + count);
  }

  write(_offset: number, data: Uint8Array): number {
    if (data.length > MAX_PROOF) throw nodeError('authentication failed');
    if (!this.proven) this.proof = Buffer.from(data);
    return data.length;
  }
}
