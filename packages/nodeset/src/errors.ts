/**
 * Text that is not a node set, or a node set that cannot be worked with.
 * The message names the text, the reason and the place: `node set "n[3-1]": range 3-1 runs backwards, at character 3`.
 */
export class NodeSetError extends Error {
  override readonly name = 'NodeSetError';

  /**
   * @param text the whole text that was read
   * @param reason what is wrong with it, without the text and the place
   * @param position offset of the fault in `text`, in UTF-16 units from 0
   */
  constructor(
    readonly text: string,
    readonly reason: string,
    readonly position: number,
  ) {
    super(`node set ${excerpt(text, position)}: ${reason}, at character ${position + 1}`);
  }
}

/** `text` in quotes, on one line, cut to what surrounds `position` when it is long: a message must fit a terminal. */
export function excerpt(text: string, position = 0): string {
  const from = text.length <= EXCERPT_LENGTH ? 0 : Math.max(0, position - EXCERPT_LENGTH / 2);
  const to = Math.min(text.length, from + EXCERPT_LENGTH);
  const shown = text.slice(from, to).replace(/\p{C}/gu, '?');
  return `"${from > 0 ? '…' : ''}${shown}${to < text.length ? '…' : ''}"`;
}

const EXCERPT_LENGTH = 60;
