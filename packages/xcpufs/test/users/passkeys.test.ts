import { makeChallenge, passkeyProof } from '@xcpu/xcpu-protocol';
import { describe, expect, it } from 'vitest';
import { Passkeys } from '../../src/users/passkeys.js';
import { addUser, makeTable, testKey } from '../support.js';

const MINUTE = 60_000;

describe('passkeys', () => {
  it('log their user in once', () => {
    const { ann, passkeys, challenge } = setUp();
    const passkey = passkeys.issue(ann);
    const proof = passkeyProof(challenge, passkey);
    expect(passkeys.redeem(ann, challenge, proof)).toBe(true);
    expect(passkeys.redeem(ann, challenge, proof)).toBe(false);
  });

  it('are good for nobody else', () => {
    const { ann, bob, passkeys, challenge } = setUp();
    const proof = passkeyProof(challenge, passkeys.issue(ann));
    passkeys.issue(bob);
    expect(passkeys.redeem(bob, challenge, proof)).toBe(false);
    expect(passkeys.redeem(ann, challenge, proof)).toBe(true);
  });

  it('are good for their challenge only, and no other response is while one is outstanding', () => {
    const { ann, passkeys, challenge } = setUp();
    const passkey = passkeys.issue(ann);
    expect(passkeys.redeem(ann, makeChallenge(), passkeyProof(challenge, passkey))).toBe(false);
    expect(passkeys.redeem(ann, challenge, Buffer.alloc(20))).toBe(false);
    expect(passkeys.redeem(ann, challenge, Buffer.alloc(0))).toBe(false);
  });

  it('are worth nothing once their user has another key', () => {
    const { ann, passkeys, challenge } = setUp();
    const proof = passkeyProof(challenge, passkeys.issue(ann));
    ann.key = testKey('other').publicKey;
    expect(passkeys.redeem(ann, challenge, proof)).toBe(false);
    const late = passkeyProof(challenge, passkeys.issue(ann));
    expect(passkeys.redeem(ann, challenge, late)).toBe(true);
  });

  it('expire', () => {
    const { ann, passkeys, challenge, clock } = setUp();
    const early = passkeys.issue(ann);
    clock.now += 6 * MINUTE;
    const late = passkeys.issue(ann);
    clock.now += 5 * MINUTE;
    expect(passkeys.redeem(ann, challenge, passkeyProof(challenge, early))).toBe(false);
    expect(passkeys.redeem(ann, challenge, passkeyProof(challenge, late))).toBe(true);
  });

  it('give way to newer ones beyond the limit', () => {
    const { ann, passkeys, challenge } = setUp();
    const first = passkeys.issue(ann);
    const second = passkeys.issue(ann);
    for (let count = 2; count < 4_096; count++) passkeys.issue(ann);
    const last = passkeys.issue(ann);
    const works = (passkey: string) =>
      passkeys.redeem(ann, challenge, passkeyProof(challenge, passkey));
    expect([first, second, last].map(works)).toEqual([false, true, true]);
  });
});

function setUp() {
  const table = makeTable();
  const clock = { now: 1_000_000 };
  return {
    ann: addUser(table, 'ann', 1),
    bob: addUser(table, 'bob', 2),
    clock,
    passkeys: new Passkeys(() => clock.now),
    challenge: makeChallenge(),
  };
}
