import { fstatSync } from 'node:fs';
import type { JobOutput, OutputStyle } from '@xcpu/libxcpu';
import { parseCommandLine, seconds, start, takeNodes } from '@xcpu/libxcpu/cli';
import type { FileOptions } from './client-files.js';

interface Options extends FileOptions {
  /** `-l` */
  readonly l?: true;
  readonly label?: boolean;
  readonly lines?: boolean;
  readonly jobid?: string;
  readonly key?: string;
  readonly tree?: string;
  readonly timeout?: string;
  readonly stdin: boolean;
}

const TEXT = {
  name: 'xrx',
  usage: ['NODES PROGRAM [ARGS...]'],
  summary: `Runs a program on many nodes at once, which sees your files there: the one that you name, with its
libraries, in the directory that you are in. With -l it is the node's own. Input goes to all of them, signals too; output comes back as it is written.
A second Ctrl-C ends the run whatever the programs do. Where $NODES is set, NODES is left out; -w names others.
The exit status is the largest of the nodes': the program's own, 128 + N if signal N ended it, 127 not found,
126 not executable, 125 session not made, 124 timed out. It is 254 if a node could not be reached, refused, or was
lost, 2 for wrong usage, 130 after a second Ctrl-C.`,
  examples: [
    ["xrx 'n[8-11]' ./myprog data/in", 'your own program and data'],
    ["xrx -l 'n[8-11]' date", "the nodes' own date"],
    ["xrx -p 'n[8-11]' uptime", "with the node's name on each line"],
    ['xrx -j myjob -c /data n8 make -j8', 'as job myjob, in /data'],
    ["xrx -l n8 sh -c 'ls /tmp | wc -l'", 'a line of shell on its files'],
    ["tar c . | xrx -l 'n[8-11]' tar xC /tmp", 'a directory to them'],
  ],
} as const;

/** Exit status of a program that was ended by SIGPIPE: what it wrote was no longer wanted. */
const BROKEN_PIPE = 128 + 13;
const SECOND_INTERRUPT = 130;
const STDIN = 0;
/** Device number of /dev/null: major 1, minor 3. Source: null(4). */
const DEV_NULL = 0x103;
const FORWARDED = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

start('xrx', main);

async function main(args: readonly string[]): Promise<number> {
  const { options, operands } = await parseCommandLine<Options>(TEXT, args, (command) => {
    command
      .passThroughOptions()
      .option('-p, --label', 'write whole lines, the name of the node in front')
      .option('-L, --lines', 'write whole lines')
      .option('-l', "use the node's own files, and nothing of yours")
      .option('-j, --jobid <ID>', 'name of the job, for xps')
      .option('-k, --key <FILE>', 'private key to log in with (~/.ssh/id_rsa)')
      .option('-c, --chdir <DIR>', "directory to start in (this one; with -l: the user's home)")
      .option('-n, --tree <N>', 'sessions that hang off this machine (accepted, has no effect yet)')
      .option('--timeout <SECONDS>', 'end the programs that still run then')
      .option('--root <DIR>', 'show the nodes only what is below DIR, as /')
      .option('--read-only', 'let the nodes change nothing of yours')
      .option('--bind <A:B>', "show the node's own A at B, too", collected)
      .option('--hide <PATH>', 'hide more from the nodes than your keys and passwords', collected)
      .option('--show <PATH>', 'show what would be hidden', collected)
      .option('--namespace <LIST>', "the node's tree with your directories in it (NODE=YOURS:...)")
      .option('--ns <FILE>', 'build the namespace by a program of your own')
      .option('--legacy-export', 'let historic C nodes reach your files at a port, unprotected')
      .option('--no-stdin', 'give the programs no input, as ssh -n does');
  });
  const { nodes, rest } = takeNodes(operands, { option: options.nodes });
  const argv = rest[0] === '--' ? rest.slice(1) : rest;
  const timeout = seconds('--timeout', options.timeout);
  const connectTimeout = seconds('--connect-timeout', options.connectTimeout);
  const { UsageError, JobOutput, jobExitStatus, printTrace, run, systemText, userLogin } =
    await import('@xcpu/libxcpu');
  if (argv.length === 0) throw new UsageError('the program to run is missing');
  if (options.tree !== undefined && !/^(\.|[1-9]\d*)$/.test(options.tree)) {
    throw new UsageError(`-n ${options.tree}: a number above 0, or ".", is wanted`);
  }
  if (options.jobid !== undefined && /[/()\p{Cc}]/u.test(options.jobid)) {
    throw new UsageError(`-j ${options.jobid}: the name of a job has no /, ( or )`);
  }
  const output = new JobOutput(styleOf(options));
  const login = await userLogin({ user: options.user, keyFile: options.key });
  const job = await run(nodes, argv, {
    login,
    jobid: options.jobid,
    ...(await filesOf(options, login.key?.file)),
    timeout,
    connectTimeout,
    trace: options.debug ? printTrace : undefined,
    stdin: options.stdin && hasInput() ? standardInput(output) : undefined,
    sink: (event) => {
      const written = output.sink(event);
      // Whoever ended the run knows that he did.
      if (event.type !== 'exit' || !event.error || event.error.kind === 'cancelled') return written;
      const { message } = event.error;
      return Promise.resolve(written).then(() => output.note(`xrx: ${message}`));
    },
  });
  let interrupts = 0;
  for (const [name, number] of Object.entries(FORWARDED)) {
    process.on(name, () => {
      if (name !== 'SIGINT' || ++interrupts < 2) void job.signal(number);
      else job.wipe().finally(() => process.exit(SECOND_INTERRUPT));
    });
  }
  try {
    return jobExitStatus(await job.result);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return BROKEN_PIPE;
    throw new Error(`cannot write the output: ${systemText(error)}`);
  }
}

/** What the programs see: the user's files, or the node's. */
async function filesOf(options: Options, keyFile: string | undefined) {
  if (!options.l) return (await import('./client-files.js')).clientFiles(options, keyFile);
  const { UsageError } = await import('@xcpu/libxcpu');
  for (const name of [
    'root',
    'readOnly',
    'bind',
    'hide',
    'show',
    'namespace',
    'ns',
    'legacyExport',
  ] as const) {
    if (options[name] === undefined) continue;
    const option = name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${option} is about your files, of which -l shows none`);
  }
  return { cwd: options.chdir };
}

/** Options that may be given several times. */
function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function styleOf({ label, lines }: Options): OutputStyle {
  if (label) return 'labels';
  return lines ? 'lines' : 'plain';
}

/** What reads nothing needs no input that ends at once. */
function hasInput(): boolean {
  try {
    const { rdev } = fstatSync(STDIN);
    return rdev !== DEV_NULL;
  } catch {
    // Closed by whoever started us.
    return false;
  }
}

async function* standardInput(output: JobOutput): AsyncGenerator<Uint8Array> {
  try {
    yield* process.stdin;
  } catch (error) {
    const { systemText } = await import('@xcpu/libxcpu');
    await output.note(`xrx: cannot read standard input: ${systemText(error)}`);
  }
}
