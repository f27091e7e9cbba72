import { show, XcpuFormatError } from './errors.js';
import { parseLines } from './lines.js';
import { formatWords, parseWords } from './quoting.js';

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
  | { readonly command: 'bind'; readonly old: string; readonly new: string }
  /** Mount what a 9P server exports; `address` is text for `parseAddress`. */
  | { readonly command: 'import'; readonly address: string; readonly directory: string }
  | { readonly command: 'cd'; readonly directory: string }
  | { readonly command: 'chroot'; readonly directory: string }
  /** Like import, through the node's cache; at least one address. */
  | { readonly command: 'cache'; readonly addresses: readonly string[] };

/** A command and the line of the program that it stands in, from 1, for messages. */
export type NamespaceStep = NamespaceCommand & { readonly line: number };

/**
 * The program that clients write for a job that sees the client's files: everything up to the `cd`
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
 * A namespace program (`ns`): one command per line, quoted as in ctl, blank lines left out. A newline
 * ends a command even inside quotes.
 *
 * `$NAME`, letters and digits, gives way to the variable's value after the words were parted, so that
 * no value can add an argument or a command; a name that is not known stays as it is.
 *
 * @param lookup the value of a variable of the session's environment
 * @throws XcpuFormatError with one problem for each faulty line, naming line and reason
 */
export function parseNamespace(
  text: string,
  lookup: (name: string) => string | undefined = () => undefined,
): NamespaceStep[] {
  return parseLines(text, 'namespace line', (line, number) => {
    const words = parseWords(line).map((word) => substitute(word, lookup));
    return words.length === 0 ? undefined : { ...parseCommand(words), line: number };
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
    const line = formatWords(words);
    if (line.includes('\n')) {
      throw new XcpuFormatError(`namespace: ${show(line)} holds a newline`);
    }
    text += `${line}\n`;
  }
  return text;
}

function substitute(word: string, lookup: (name: string) => string | undefined): string {
  return word.replace(/\$([A-Za-z0-9]+)/g, (whole, name: string) => lookup(name) ?? whole);
}

const USAGE: Readonly<Record<NamespaceCommand['command'], string>> = {
  unshare: '',
  mount: 'DEV DIR TYPE OPTIONS',
  bind: 'OLD NEW',
  import: 'HOST[!PORT] DIR',
  cd: 'DIR',
  chroot: 'DIR',
  cache: 'HOST[!PORT]...',
};

function parseCommand([name = '', ...args]: readonly string[]): NamespaceCommand {
  if (!Object.hasOwn(USAGE, name)) {
    throw new XcpuFormatError(`unknown command ${show(name)}`);
  }
  const command = name as NamespaceCommand['command'];
  const wanted = USAGE[command] === '' ? 0 : USAGE[command].split(' ').length;
  if (command === 'cache' ? args.length === 0 : args.length !== wanted) {
    throw new XcpuFormatError(`expected ${command} ${USAGE[command]}`.trimEnd());
  }
  if (args.some((arg) => arg.includes('\0'))) {
    throw new XcpuFormatError(`an argument of ${command} holds a NUL`);
  }
  const [first = '', second = '', third = '', fourth = ''] = args;
  switch (command) {
    case 'unshare':
      return { command };
    case 'mount':
      return { command, device: first, directory: second, type: third, options: fourth };
    case 'bind':
      return { command, old: first, new: second };
    case 'import':
      return { command, address: first, directory: second };
    case 'cd':
    case 'chroot':
      return { command, directory: first };
    case 'cache':
      return { command, addresses: args };
  }
}

function argumentsOf(command: NamespaceCommand): readonly string[] {
  switch (command.command) {
    case 'unshare':
      return [];
    case 'mount':
      return [command.device, command.directory, command.type, command.options];
    case 'bind':
      return [command.old, command.new];
    case 'import':
      return [command.address, command.directory];
    case 'cd':
    case 'chroot':
      return [command.directory];
    case 'cache':
      return command.addresses;
  }
}
