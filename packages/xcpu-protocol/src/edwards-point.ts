/** Bytes of an Ed25519 public key. */
export const EDWARDS_POINT_BYTES = 32;

/** The prime of the field, and the constant d of the curve -x² + y² = 1 + d x² y²: RFC 8032, section 5.1. */
const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/**
 * Whether these 32 bytes are a point of the curve that can be a key: RFC 8032, section 5.1.3. OpenSSL takes any bytes
 * for a key, and with a point of small order for one anybody can sign anything.
 */
export function isEdwardsKey(bytes: Uint8Array): boolean {
  if (bytes.length !== EDWARDS_POINT_BYTES) return false;
  const encoded = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const y = encoded & (2n ** 255n - 1n);
  if (y >= P) return false;
  const x = rootOf(modulo(y * y - 1n), modulo(D * y * y + 1n));
  return x !== undefined && !hasSmallOrder(x, y);
}

/** A square root of u/v, undefined where there is none. */
function rootOf(u: bigint, v: bigint): bigint | undefined {
  const v3 = modulo(v * v * v);
  const root = modulo(u * v3 * power(modulo(u * v3 * v3 * v), (P - 5n) / 8n));
  const square = modulo(v * root * root);
  if (square === u) return root;
  // Otherwise it is the root of -u/v, or there is none.
  return square === modulo(-u) ? modulo(root * power(2n, (P - 1n) / 4n)) : undefined;
}

/** Whether eight times the point is the neutral one: doubled three times, its x is 0. */
function hasSmallOrder(x: bigint, y: bigint): boolean {
  let [X, Y, Z] = [x, y, 1n];
  for (let times = 0; times < 3; times++) {
    const xx = modulo(X * X);
    const yy = modulo(Y * Y);
    const g = modulo(yy - xx);
    const f = modulo(g - 2n * Z * Z);
    const e = modulo(2n * X * Y);
    [X, Y, Z] = [modulo(e * f), modulo(-g * (xx + yy)), modulo(f * g)];
  }
  return X === 0n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}
