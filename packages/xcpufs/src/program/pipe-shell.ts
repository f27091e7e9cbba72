import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

const { O_NONBLOCK, O_RDWR } = constants;

/**
 * Makes pipes, each a descriptor that is open for both reading and writing. Node has no pipe(2), but a shell makes one
 * wherever it needs one, and /proc/pid/fd leads to it.
 * @param sh the shell
 * @throws Error if it makes none
 */
export async function makePipes(sh: string, count: number): Promise<number[]> {
  return (await ofHereDocuments(sh, count)) ?? ofPipelines(sh, count);
}

/** The descriptors of a shell's here-documents: POSIX knows them up to 9. */
const HERE = [3, 4, 5, 6, 7, 8, 9] as const;
const HERE_TEXT = 'x';
/** Opens as many short here-documents, tells its process id, and again for each line that it reads. */
const HERE_DOCUMENTS = `while :; do
exec ${HERE.map((fd) => `${fd}<<E`).join(' ')}
${HERE.map(() => `${HERE_TEXT}\nE\n`).join('')}echo "$$"
read -r rest || exit
done`;

/**
 * By one shell without a fork: most write a short here-document into a pipe (dash, busybox, bash from 5.1). Answers
 * undefined where it is not a pipe.
 */
async function ofHereDocuments(sh: string, count: number): Promise<number[] | undefined> {
  const shell = startShell(sh, HERE_DOCUMENTS);
  const made: number[] = [];
  try {
    const pids = lines(shell);
    while (made.length < count) {
      const { value: pid } = await pids.next();
      for (const held of HERE.slice(0, count - made.length)) {
        const fd = openPipe(pid, held);
        made.push(fd);
        readSync(fd, Buffer.alloc(HERE_TEXT.length + 1));
      }
      shell.stdin.write('\n');
    }
    return made;
  } catch {
    for (const fd of made) closeSync(fd);
    return undefined;
  } finally {
    endShell(shell);
  }
}

/**
 * A command that keeps the pipe that is its input as descriptor 5, tells its process id, and ends when the input of
 * the whole does.
 */
const HOLD_PIPE =
  '{ exec 5<&0; read -r pid rest </proc/self/stat; echo "$pid" >&4; read -r rest <&3; }';
const HELD = 5;

/** By a fork for each, which every shell can do. */
async function ofPipelines(sh: string, count: number): Promise<number[]> {
  const pipelines = `exec 3<&0 4>&1\nread -r rest <&3${` | ${HOLD_PIPE}`.repeat(count)}`;
  const shell = startShell(sh, pipelines);
  const made: number[] = [];
  try {
    const pids = lines(shell);
    while (made.length < count) made.push(openPipe((await pids.next()).value, HELD));
    return made;
  } catch (error) {
    for (const fd of made) closeSync(fd);
    throw error;
  } finally {
    endShell(shell);
  }
}

type Shell = ChildProcessByStdio<Writable, Readable, null>;

function startShell(sh: string, script: string): Shell {
  const shell = spawn(sh, ['-c', script], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // A shell that cannot be started, or ends, prints nothing: that is noticed.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  return shell;
}

function endShell(shell: Shell): void {
  shell.stdin.destroy();
  shell.stdout.destroy();
}

async function* lines({ stdout }: Shell): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const piece of stdout.setEncoding('latin1')) {
    const whole = (text + piece).split('\n');
    text = whole.pop() ?? '';
    yield* whole;
  }
  return undefined;
}

/** @throws Error where that process does not hold a pipe there: it may have ended, and its number be another's */
function openPipe(pid: string | undefined, held: number): number {
  const fd = openSync(`/proc/${pid}/fd/${held}`, O_RDWR | O_NONBLOCK);
  // They are given to users: whatever else a number might lead to must not be.
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new Error('not a pipe');
}
