import { parseCommandLine, printable, seconds, start, takeNodes } from '@xcpu/libxcpu/cli';
import type { Shell } from './completion.js';
import type { Options } from './options.js';

const TEXT = {
  name: 'xrx',
  usage: [
    'NODES PROGRAM [ARGS...]',
    '-e PROGRAM NODES DIRECTORY [ARGS...]',
    '-J JOB[/RANK] NODES',
    'completion bash|zsh|fish',
  ],
  summary: `Runs a program on many nodes at once, which sees your files there: the one that you name, with its
libraries, in the directory that you are in. With -l it is the node's own. Input goes to all of them, signals too; output comes back as it is written.
A second Ctrl-C ends the run whatever the programs do. Where $NODES is set, NODES is left out; -w names others.`,
  details: `-s copies the program, its interpreter and the libraries that it is linked with
(for nodes of another kind: from $XCPU_SYSROOT/<arch>), and runs it with the
node's own files. What it loads or runs by itself, such as plugins and modules,
is not known: -e ships a directory that has it.

A job of --detach goes on by itself, and reads nothing of yours until you
attach; xps -J shows it, xk ends it. -J brings its output, as far as the nodes
keep it, and its status: then it is gone, but for --keep. Input and signals go
to it, too; closing the terminal, a second Ctrl-C, or with --no-stdin the first,
only leave it.

$JOBID names the job where -j does not. $XCPUENV names variables that travel, or
gives values in lines NAME=VALUE.
`,
  examples: [
    ["xrx 'n[8-11]' ./myprog data/in", 'your own program and data'],
    ["xrx -l 'n[8-11]' date", "the nodes' own date"],
    ["xrx -p 'n[8-11]' uptime", "with the node's name on each line"],
    ['xrx -j myjob -c /data n8 make -j8', 'as job myjob, in /data'],
    ["xrx -s 'n[8-11]' ./myprog", 'copied to nodes without your files'],
    ['xrx -e bin/it n8 ~/it data', 'the directory ~/it, and bin/it in it'],
    ['xrx --detach -l n8 ./simulate', 'goes on when you are gone'],
    ['xrx -J myjob n8', 'what a job has printed, and prints'],
    ["xrx -l n8 sh -c 'ls /tmp | wc -l'", 'a line of shell on its files'],
    ['xrx -a -l uptime', 'on all nodes that are up'],
    ['. <(xrx completion bash)', 'TAB completes all commands of xcpu'],
    ["tar c . | xrx -l 'n[8-11]' tar xC /tmp", 'a directory to them'],
  ],
  exitStatus: [
    ['N', "the program's own: the largest of the nodes'"],
    ['128 + N', 'signal N ended the program'],
    ['127', 'the program was not found'],
    ['126', 'the program is not executable'],
    ['125', 'the session could not be made'],
    ['124', 'the time of --timeout was up'],
    ['254', 'a node could not be reached, refused, or was lost'],
    ['1', 'with -J: a node has nothing of the job'],
    ['2', 'wrong usage'],
    ['130', 'a second Ctrl-C'],
  ],
} as const;

start('xrx', main);

async function main(args: readonly string[]): Promise<number> {
  const shell = await completedShell(args);
  if (shell) return (await import('./completion.js')).printCompletion(shell);
  const { options, operands } = await parseCommandLine<Options>(TEXT, args, (command) => {
    command
      .passThroughOptions()
      .option('-p, --label', 'write whole lines, the name of the node in front')
      .option('-L, --lines', 'write whole lines')
      .option('-l', "use the node's own files, and nothing of yours")
      .option('-s, --ship', 'copy the program and its libraries to nodes that have none of it')
      .option('-e <PROGRAM>', 'ship a directory, in place of a program, and run PROGRAM in it')
      .option('-j, --jobid <ID>', 'name of the job, for xps, xk and -J ($JOBID)')
      .option('-J, --attach <JOB>', 'attach to a job, or to one rank of it: JOB/RANK')
      .option('--keep', 'with -J: leave the output and status of --detach where they are')
      .option('--detach', 'print the name of the job, and leave it running')
      .option(
        '-k, --key <FILE>',
        'private key to log in with (~/.ssh/id_rsa, id_ed25519, id_ecdsa)',
      )
      .option('-c, --chdir <DIR>', "directory to start in (this one; with -l: the user's home)")
      .option('-n, --tree <N>', 'sessions that hang off this machine (accepted, has no effect yet)')
      .option('--timeout <SECONDS>', 'end the programs that still run then')
      .option(
        '--root <DIR>',
        'show the nodes only what is below DIR, as /; with -s: take it from there',
      )
      .option('--read-only', 'let the nodes change nothing of yours')
      .option('--bind <A:B>', "show the node's own A at B, too", collected)
      .option('--hide <PATH>', 'hide more from the nodes than your keys and passwords', collected)
      .option('--show <PATH>', 'show what would be hidden', collected)
      .option('--namespace <LIST>', "the node's tree with your directories in it (NODE=YOURS:...)")
      .option('--ns <FILE>', 'build the namespace by a program of your own')
      .option('--legacy-export', 'let historic C nodes reach your files at a port, unprotected')
      .option('--no-stdin', 'give the programs no input, as ssh -n does');
  });
  const { attach } = options;
  const { nodes, rest } = takeNodes(operands, {
    option: options.nodes,
    all: options.all,
    ...(attach !== undefined && { wanted: [] }),
  });
  const argv = rest[0] === '--' ? rest.slice(1) : rest;
  const timeout = seconds('--timeout', options.timeout);
  const connectTimeout = seconds('--connect-timeout', options.connectTimeout);
  const { findNodes, printTrace, userLogin } = await import('@xcpu/libxcpu');
  const { checkOptions, nameOfJob } = await import('./checks.js');
  checkOptions(options, argv);
  const jobid = nameOfJob(options);
  const login = await userLogin({ user: options.user, keyFile: options.key });
  const way = { login, timeout, connectTimeout, trace: options.debug ? printTrace : undefined };
  const targets = await findNodes(nodes, way);
  if (attach !== undefined) {
    return (await import('./attached.js')).attached(attach, targets, options, way);
  }
  const mode = options.detach
    ? (await import('./detached.js')).detached
    : (await import('./foreground.js')).foreground;
  return mode(jobid, targets, argv, options, way);
}

/**
 * The shell whose completions are asked for, by these two words and no other: a node that is called completion is
 * named by -w.
 * @throws UsageError where there are none for it
 */
async function completedShell(args: readonly string[]): Promise<Shell | undefined> {
  const [verb, shell, ...more] = args;
  if (verb !== 'completion' || more.length > 0) return undefined;
  if (shell === 'bash' || shell === 'zsh' || shell === 'fish') return shell;
  const { UsageError } = await import('@xcpu/libxcpu');
  const asked = shell === undefined ? 'which shell?' : `${printable(shell)}: no such completion;`;
  throw new UsageError(`completion: ${asked} bash, zsh and fish are there`);
}

/** Options that may be given several times. */
function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
