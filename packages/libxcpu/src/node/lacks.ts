/** The files that our xcpufs has and others, or older ones, may not. */
const FILES: ReadonlySet<string> = new Set(
  'clone ctl arch env ns procs state passkey pwent grent keys load argv stdin stdout stderr wait id fs term'.split(
    ' ',
  ),
);

/** What to do without a file. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  fs: ': run what is there, without --ship',
  term: ' and cannot reach your files: run what is there, with -l',
};

/**
 * What an answer of a node says that it lacks, and the way out; undefined where it says nothing of that kind.
 * @param ename the node's error, for a file that is not there with the name of the file in front
 */
export function lackOf(ename: string): string | undefined {
  if (ename === 'unknown command') {
    return "unknown command: the node's xcpufs is older than these tools";
  }
  const [, file = ''] = /^([a-z]+): file not found$/.exec(ename) ?? [];
  if (!FILES.has(file)) return undefined;
  return `the node's xcpufs has no file ${file}; it is older than these tools${WAYS_OUT[file] ?? ''}`;
}
