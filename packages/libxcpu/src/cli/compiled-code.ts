/** Given to shipped commands by their loader (`bundle/loader.ts`). */
declare const xcpuKeepCode: ((level: number) => void) | undefined;

/** How much of the command this run uses. What was kept of a run that used less is replaced. */
let level = 1;

/** Told where a command loads a large part of itself that it often does without. */
export function usesMore(): void {
  level = 2;
}

/** Keeps what was compiled in this run, for the next ones to begin with. */
export function keepCompiledCode(): void {
  if (typeof xcpuKeepCode === 'function') xcpuKeepCode(level);
}
