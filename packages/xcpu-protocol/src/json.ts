/**
 * A value as JSON, on one line, in which everything is escaped that a terminal or a pager could take for a command: control
 * characters, and those that format text or end a line.
 */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
