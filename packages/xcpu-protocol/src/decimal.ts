/**
 * A number written in decimal digits only: no sign, blank, exponent or other base.
 *
 * @returns undefined when the text is not that, or the number is above `max`
 */
export function parseDecimal(text: string, max: number): number | undefined {
  if (!/^\d{1,16}$/.test(text)) {
    return undefined;
  }
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** Largest user or group id; 2^32 - 1 means "no id" to the kernel and to 9P2000.u. */
export const MAX_ID = 0xfffffffe;
