/**
 * Runs `late` when the time is over, unless the result is called before. The time comes in two halves: where this
 * process itself was held up for longer, what arrived meanwhile is still seen before anybody counts as silent.
 *
 * @param time in milliseconds
 */
export function patience(time: number, late: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(late, time / 2);
  }, time / 2);
  return () => clearTimeout(timer);
}
