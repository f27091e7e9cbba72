import { parseArgv, parseWords } from '@xcpu/xcpu-protocol';
import { LegacyStream } from './legacy-stream.js';

/** What a program does, as far as the recorded ones did anything. */
export type Program = (session: LegacySession) => void;

/** The namespace program that a legacy node starts every session with. */
const DEFAULT_NS = `unshare
import $XCPUTSADDR /mnt/term
bind /mnt/term/$XCPUARCHDIR /mnt/sandbox
bind /mnt/term/home /mnt/sandbox/home
bind /dev /mnt/sandbox/dev
bind /proc /mnt/sandbox/proc
bind /sys /mnt/sandbox/sys
chroot /mnt/sandbox
`;

/** The environment of the recorded node. */
const NODE_ENV =
  'HOME=/root\nOLDPWD=/home/cluster\nPATH=/usr/bin:/bin\nLANG=C\nPWD=/home/cluster\n';

/** Ends a legacy server as its crashes did; `reason` says which. */
export class LegacyCrash extends Error {}

/** An error that a legacy server answers; `errno` 5 where nothing else is known. */
export class LegacyError extends Error {
  readonly errno: number;

  constructor(text: string, errno = 5) {
    super(text);
    this.errno = errno;
  }
}

/** One session of a legacy node: canned programs, and what clients wrote. */
export class LegacySession {
  readonly sid: string;
  readonly owner: string;
  readonly parent: string;
  /** What clients wrote, for a test to compare. */
  readonly written = { env: '', argv: '', ns: '', ctl: '', stdin: '' };
  env = NODE_ENV;
  argv = '';
  ns = DEFAULT_NS;
  id = '/0';
  readonly stdout = new LegacyStream();
  readonly stderr = new LegacyStream();
  readonly wait = new LegacyStream();
  /** Called for what is written to stdin, undefined at its end. */
  onInput: ((data: string | undefined) => void) | undefined;
  onSignal: ((signal: number) => void) | undefined;
  #input: (string | undefined)[] = [];
  readonly #mounts: boolean;
  #programs: (argv: readonly string[]) => Program;
  /** Unfinished or failed lines: they stay in front of all that follows. */
  #commands = '';

  constructor(
    sid: string,
    owner: string,
    parent: string,
    programs: (argv: readonly string[]) => Program,
    mounts: boolean,
  ) {
    this.sid = sid;
    this.owner = owner;
    this.parent = parent;
    this.#programs = programs;
    this.#mounts = mounts;
  }

  /** The file as it reads from its beginning; undefined for those that are read otherwise. */
  text(file: string): string | undefined {
    if (file === 'ctl') return '-1';
    if (file === 'env') return this.env;
    if (file === 'argv') return this.argv;
    if (file === 'ns') return this.ns;
    return file === 'id' ? this.id : undefined;
  }

  write(file: string, offset: number, data: string, append: boolean): void {
    if (file === 'stdin' || file === 'stdio') return this.#feed(data);
    if (file === 'ctl') return this.#ctl(data);
    if (file !== 'env' && file !== 'argv' && file !== 'ns') {
      throw new LegacyError('permission denied', 1);
    }
    const at = append ? this[file].length : offset;
    this[file] = this[file].slice(0, at) + data + this[file].slice(at + data.length);
    this.written[file] += data;
  }

  /** Truncating a fresh `ns` does nothing. */
  truncate(file: string): void {
    if (file === 'argv' || file === 'env') this[file] = '';
  }

  /** The program ends with this status, as waitpid packs it. */
  exit(status: number): void {
    this.stdout.end();
    this.stderr.end();
    this.wait.push(String(status));
    this.wait.end();
  }

  #feed(data: string | undefined): void {
    if (data !== undefined) this.written.stdin += data;
    if (this.onInput) this.onInput(data);
    else this.#input.push(data);
  }

  #ctl(data: string): void {
    this.written.ctl += data;
    this.#commands += data;
    for (let end = this.#commands.indexOf('\n'); end >= 0; end = this.#commands.indexOf('\n')) {
      this.#command(this.#commands.slice(0, end));
      this.#commands = this.#commands.slice(end + 1);
    }
  }

  #command(line: string): void {
    if (line.trim() === '') throw new LegacyCrash('empty ctl line');
    const [name, argument] = wordsOf(line);
    if (argument === undefined && ['signal', 'type', 'close'].includes(name ?? '')) {
      throw new LegacyCrash(`${name} without words`);
    }
    if (name === 'id') this.id = argument ?? '';
    else if (name === 'exec') this.#exec();
    else if (name === 'close' && argument === 'stdin') this.#feed(undefined);
    else if (name === 'signal') this.#signal(argument!);
    else if (name === 'wipe') this.exit(9);
    else if (name !== 'type') throw new LegacyError('unknown command');
  }

  #signal(text: string): void {
    if (!/^(\d+|SIG[A-Z0-9]+)$/.test(text)) throw new LegacyError('unsupported signal');
    const number = text === 'SIGTERM' ? 15 : Number(text);
    this.onSignal?.(number);
  }

  #exec(): void {
    this.env += `XCPUSID=${this.sid}\nXCPUID=${this.id}\nXCPU_PARENT=${this.parent}\n`;
    const lines = this.ns.split('\n').slice(0, -1);
    if (lines.some((line) => line.trim() === '')) throw new LegacyCrash('a blank line in ns spins');
    const foreign = lines.find((line) => line.trim().split(/\s+/)[0] !== 'cd');
    if (foreign !== undefined && !this.#mounts) {
      this.stderr.push(`${foreign}: Operation not permitted\n`);
      return this.exit(256 * 22);
    }
    this.#programs(parseArgv(this.argv))(this);
    for (const data of this.#input.splice(0)) this.onInput?.(data);
  }
}

function wordsOf(line: string): string[] {
  try {
    return parseWords(line);
  } catch {
    throw new LegacyCrash('an unterminated quote');
  }
}
