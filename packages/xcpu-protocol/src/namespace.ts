import { show, XcpuFormatError } from './errors.js';
import { parseLines } from './lines.js';
import { formatWords, parseWords, quoteWord } from './quoting.js';

/** One step in building the namespace that a session's program runs in. */
export type NamespaceCommand =
  /** Leave the node's own namespace. */
  | { readonly command: 'unshare' }
  | {
      readonly command: 'mount';
      readonly device: string;
      readonly directory: string;
      readonly type: string;
      readonly options: string;
    }
  /** Make the file or directory `old` also visible as `new`. */
  | {
      readonly command: 'bind';
      readonly old: string;
      readonly new: string;
      /** `-r`: with what is mounted below `old`. */
      readonly recursive?: true;
      /** `-o ro`: nothing can be changed under the new name. */
      readonly readOnly?: true;
    }
  /**
   * Mount what a 9P server exports; `address` is {@link TERM_ADDRESS} or text for `parseAddress`. `cache`: what the
   * server told once may be believed, for nobody else changes the tree meanwhile.
   */
  | {
      readonly command: 'import' | 'cache';
      readonly address: string;
      readonly directory: string;
      readonly readOnly?: true;
    }
  /** Make a directory, and those above it that are missing. */
  | { readonly command: 'mkdir'; readonly directory: string }
  /** Mount an empty file system in memory; `options` are those of tmpfs(5), empty for none. */
  | { readonly command: 'tmpfs'; readonly directory: string; readonly options: string }
  /** Take away what is mounted last on a directory. */
  | { readonly command: 'umount'; readonly directory: string }
  | { readonly command: 'cd'; readonly directory: string }
  | { readonly command: 'chroot'; readonly directory: string };

/** A command and the line of the program that it stands in, from 1, for messages. */
export type NamespaceStep = NamespaceCommand & { readonly line: number };

/**
 * The address that stands for the session's own file `term`: whoever has that open serves the files.
 * Compare an address with it before giving it to `parseAddress`, for which it is none: a port is a number.
 */
export const TERM_ADDRESS = 'session!term';

/**
 * The program that C clients write for a job that sees the client's files, to the letter: everything up to the `cd`
 * into the client's working directory, which the client appends.
 */
export const DEFAULT_NAMESPACE = `unshare
import $XCPUTSADDR /mnt/term
bind /mnt/term/$XCPUARCHDIR /mnt/sandbox
bind /mnt/term/home /mnt/sandbox/home
bind /dev /mnt/sandbox/dev
bind /proc /mnt/sandbox/proc
bind /sys /mnt/sandbox/sys
chroot /mnt/sandbox
`;

/**
 * What xrx writes for nodes of this version in its place: what is mounted below the node's own directories comes with
 * them, as some systems allow no other way of binding these without root's rights. The homes are in the tree already,
 * unless it is one for another kind of machine.
 */
export const SESSION_NAMESPACE = `unshare
import $XCPUTSADDR /mnt/term
bind /mnt/term/$XCPUARCHDIR /mnt/sandbox
bind -r /dev /mnt/sandbox/dev
bind -r /proc /mnt/sandbox/proc
bind -r /sys /mnt/sandbox/sys
chroot /mnt/sandbox
`;

/** Bytes of a program, and again of all that its variables stand for. */
export const MAX_NAMESPACE_BYTES = 64 * 1024;

/** Steps of a program: each costs the node a process or a mount. Blank lines and comments are none. */
export const MAX_NAMESPACE_STEPS = 512;

/**
 * A namespace program (`ns`): one command per line, quoted as in ctl. A newline ends a command even inside quotes.
 * Blank lines are left out, and what follows a `#` at the start of a word; `'#'` in quotes is a word. (Legacy has no
 * comments. No program of its clients has such a word, which could only be a relative path.)
 *
 * `$NAME`, letters and digits, gives way to the variable's value after the words were parted, so that
 * no value can add an argument, a command or a comment; a name that is not known stays as it is.
 *
 * `bind`, `import` and `cache` take options before their operands; `--` ends them.
 *
 * @param lookup the value of a variable of the session's environment
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseNamespace(
  text: string,
  lookup: (name: string) => string | undefined = () => undefined,
): NamespaceStep[] {
  checkSize(text);
  const budget = { bytes: MAX_NAMESPACE_BYTES, steps: MAX_NAMESPACE_STEPS };
  return parseLines(text, LABEL, (line, number) => {
    const words = parseWords(line, '#').map((word) => substitute(word, lookup, budget));
    if (words.length === 0) return undefined;
    if (budget.steps-- === 0) {
      throw new XcpuFormatError(`more than ${MAX_NAMESPACE_STEPS} commands`);
    }
    return { ...parseCommand(words), line: number };
  });
}

/**
 * The text of a namespace program, one line per command; `parseNamespace` gives the commands back,
 * `$NAME` apart, for which there is no quoting.
 *
 * @throws XcpuFormatError for a word that no line can hold
 */
export function formatNamespace(commands: Iterable<NamespaceCommand>): string {
  let text = '';
  for (const command of commands) {
    const words = [command.command, ...argumentsOf(command)];
    parseCommand(words);
    const line = words.map(quoted).join(' ');
    if (line.includes('\n')) {
      throw new XcpuFormatError(`namespace: ${show(formatWords(words))} holds a newline`);
    }
    text += `${line}\n`;
  }
  return text;
}

const LABEL = 'namespace line';

/** Names the line in which the program becomes too long. */
function checkSize(text: string): void {
  if (text.length * 3 <= MAX_NAMESPACE_BYTES) return;
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_NAMESPACE_BYTES) return;
  let line = 1;
  for (const byte of bytes.subarray(0, MAX_NAMESPACE_BYTES)) if (byte === NEWLINE) line++;
  throw new XcpuFormatError(
    `${LABEL} ${line}: program too long, at most ${MAX_NAMESPACE_BYTES} bytes`,
  );
}

const NEWLINE = 0x0a;

/** A word with its variables replaced. A short program can name long values often: they count before they are put in. */
function substitute(
  word: string,
  lookup: (name: string) => string | undefined,
  budget: { bytes: number },
): string {
  return word.replace(/\$([A-Za-z0-9]+)/g, (whole, name: string) => {
    const value = lookup(name) ?? whole;
    budget.bytes -= Buffer.byteLength(value);
    if (budget.bytes >= 0) return value;
    throw new XcpuFormatError(`its variables stand for more than ${MAX_NAMESPACE_BYTES} bytes`);
  });
}

const USAGE: Readonly<Record<NamespaceCommand['command'], string>> = {
  unshare: '',
  mount: 'DEV DIR TYPE OPTIONS',
  bind: '[-r] [-o ro] OLD NEW',
  import: '[-o ro] HOST[!PORT] DIR',
  mkdir: 'DIR',
  tmpfs: 'DIR [OPTIONS]',
  umount: 'DIR',
  cd: 'DIR',
  chroot: 'DIR',
  cache: '[-o ro] HOST[!PORT] DIR',
};

function parseCommand([name = '', ...words]: readonly string[]): NamespaceCommand {
  if (!Object.hasOwn(USAGE, name)) {
    throw new XcpuFormatError(`unknown command ${show(name)}`);
  }
  const command = name as NamespaceCommand['command'];
  if (words.some((word) => word.includes('\0'))) {
    throw new XcpuFormatError(`an argument of ${command} holds a NUL`);
  }
  switch (command) {
    case 'unshare':
      operands(command, words, 0);
      return { command };
    case 'mount': {
      const [device, directory, type, options] = operands(command, words, 4);
      return { command, device, directory, type, options };
    }
    case 'bind': {
      const { rest, recursive, readOnly } = parseOptions(command, words, ['-r', '-o']);
      const [old, target] = operands(command, rest, 2);
      return { command, old, new: target, ...recursive, ...readOnly };
    }
    case 'import':
    case 'cache': {
      const { rest, readOnly } = parseOptions(command, words, ['-o']);
      const [address, directory] = operands(command, rest, 2);
      return { command, address, directory, ...readOnly };
    }
    case 'tmpfs': {
      const [directory, options = ''] = operands(command, words, 1, 2);
      return { command, directory, options };
    }
    case 'mkdir':
    case 'umount':
    case 'cd':
    case 'chroot': {
      const [directory] = operands(command, words, 1);
      return { command, directory };
    }
  }
}

type Words<N extends number> = N extends 0
  ? []
  : N extends 1
    ? [string, ...string[]]
    : N extends 2
      ? [string, string, ...string[]]
      : [string, string, string, string];

/** The words, if there are as many as the command wants. */
function operands<N extends 0 | 1 | 2 | 4>(
  command: NamespaceCommand['command'],
  words: readonly string[],
  least: N,
  most: number = least,
): Words<N> {
  if (words.length >= least && words.length <= most) return words as unknown as Words<N>;
  throw new XcpuFormatError(`expected ${command} ${USAGE[command]}`.trimEnd());
}

interface Options {
  readonly rest: readonly string[];
  readonly recursive: { readonly recursive?: true };
  readonly readOnly: { readonly readOnly?: true };
}

/** What the words in front of the operands ask for. */
function parseOptions(
  command: NamespaceCommand['command'],
  words: readonly string[],
  known: readonly string[],
): Options {
  let [recursive, readOnly] = [false, false];
  let at = 0;
  for (; words[at]?.startsWith('-'); at++) {
    const option = words[at]!;
    if (option === '--') {
      at++;
      break;
    }
    if (!known.includes(option)) {
      throw new XcpuFormatError(`${command} has no option ${show(option)}`);
    }
    if (option === '-r') {
      recursive = true;
      continue;
    }
    const value = words[++at] ?? '';
    if (value !== 'ro') {
      throw new XcpuFormatError(`${command} -o knows only ro, not ${show(value)}`);
    }
    readOnly = true;
  }
  return {
    rest: words.slice(at),
    recursive: recursive ? { recursive } : {},
    readOnly: readOnly ? { readOnly } : {},
  };
}

/** A word that would begin a comment is quoted too. */
function quoted(word: string): string {
  return word.startsWith('#') ? `'${word.replaceAll("'", "''")}'` : quoteWord(word);
}

function argumentsOf(command: NamespaceCommand): readonly string[] {
  switch (command.command) {
    case 'unshare':
      return [];
    case 'mount':
      return [command.device, command.directory, command.type, command.options];
    case 'bind':
      return [...optionsOf(command), ...afterOptions(command.old, command.new)];
    case 'import':
    case 'cache':
      return [...optionsOf(command), ...afterOptions(command.address, command.directory)];
    case 'tmpfs':
      return command.options === '' ? [command.directory] : [command.directory, command.options];
    case 'mkdir':
    case 'umount':
    case 'cd':
    case 'chroot':
      return [command.directory];
  }
}

function optionsOf(command: { recursive?: true; readOnly?: true }): string[] {
  return [...(command.recursive ? ['-r'] : []), ...(command.readOnly ? ['-o', 'ro'] : [])];
}

function afterOptions(...words: readonly [string, string]): string[] {
  return words[0].startsWith('-') ? ['--', ...words] : [...words];
}
