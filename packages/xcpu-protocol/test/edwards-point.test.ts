import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isEdwardsKey } from '../src/edwards-point.js';

const hex = (text: string) => Buffer.from(text, 'hex');
const little = (value: bigint) => hex(value.toString(16).padStart(64, '0')).reverse();
const P = 2n ** 255n - 19n;

describe('isEdwardsKey', () => {
  it('takes the keys that are made', () => {
    for (let times = 0; times < 50; times++) {
      const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
      expect(isEdwardsKey(Buffer.from(x!, 'base64url'))).toBe(true);
    }
  });

  it.each([
    // RFC 8032, section 7.1.
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    // The base point.
    '5866666666666666666666666666666666666666666666666666666666666666',
  ])('takes %s', (text) => {
    expect(isEdwardsKey(hex(text))).toBe(true);
  });

  it('refuses about half of all bytes, which are no point', () => {
    const numbers = Array.from({ length: 200 }, (_, index) => little(BigInt(index + 2)));
    const points = numbers.filter((bytes) => isEdwardsKey(bytes)).length;
    expect(points).toBeGreaterThan(60);
    expect(points).toBeLessThan(140);
  });

  it.each([
    ['the neutral one', little(1n)],
    ['of order 2', little(P - 1n)],
    ['of order 4', little(0n)],
    ['of order 4, its sign set', little(2n ** 255n)],
    ['of order 8', hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')],
    [
      'of order 8, its sign set',
      hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'),
    ],
    [
      'of order 8, the other',
      hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
    ],
  ])('refuses a point of small order: %s', (_, bytes) => {
    expect(isEdwardsKey(bytes)).toBe(false);
  });

  it.each([
    ['another number of bytes', Buffer.alloc(31, 3)],
    ['a coordinate that is not reduced', little(P + 1n)],
    ['all bits', Buffer.alloc(32, 255)],
  ])('refuses %s', (_, bytes) => {
    expect(isEdwardsKey(bytes)).toBe(false);
  });
});
