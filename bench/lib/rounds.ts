/** Set by `bench/run.mjs --short`: how often each thing is measured at most. */
const most = Number(process.env.XCPU_BENCH_ROUNDS ?? Number.POSITIVE_INFINITY);

/** How many rounds there are: as many as a figure needs, or, where only the benchmarks are to be seen at work, a few. */
export function roundsFor(needed: number): number {
  return Math.min(needed, most);
}

/** How many rounds go before those and do not count: one, where only the benchmarks are to be seen at work. */
export function warmUpsFor(needed: number): number {
  return Number.isFinite(most) ? 1 : needed;
}
