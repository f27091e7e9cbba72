/** The number that means no user and no group. */
const NO_ID = 0xffffffff;

/** A user's or group's number in decimal; undefined for any other text. */
export function parseId(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : NO_ID;
  return id < NO_ID ? id : undefined;
}
