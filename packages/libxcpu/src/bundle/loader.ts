/**
 * The head of every shipped command, which stands in a comment behind it in the same file (scripts/lib/bundles.mjs).
 * Node.js thus reads past the command's half a megabyte without compiling it. What V8 has compiled in a run that did
 * something is kept in the user's cache directory, and the next run begins with that: a fifth less processor time
 * for `xrx -l n8 true` on Node.js 20, which has no module.enableCompileCache yet. docs/performance.md has figures.
 */
import { writeSync } from 'node:fs';

/** Filled in by the bundler: the command's name and version, and a digest of its text. */
declare const XCPU_NAME: string;
declare const XCPU_VERSION: string;
declare const XCPU_TEXT_DIGEST: string;
/** How the comment begins, and what stands for the end of a comment in it. Neither occurs in a command. */
declare const XCPU_TEXT_BEGIN: string;
declare const XCPU_COMMENT_END: string;

/** A kept file: a digest of what makes it right, how much of the command it holds, what V8 made. */
interface Kept {
  readonly level: number;
  readonly code: Buffer;
}

const DIGEST_BYTES = 32;
const LEVEL_BYTES = 1;
const WRITABLE_BY_OTHERS = 0o022;

const [first] = process.argv.slice(2);
if (first === '-V' || first === '--version') printVersion();
else runCommand();

function printVersion(): void {
  try {
    writeSync(1, `${XCPU_NAME} ${XCPU_VERSION}\n`);
  } catch {
    // Nobody reads it any more.
  }
}

function runCommand(): void {
  const { Script } = process.getBuiltinModule('node:vm');
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const source = readFileSync(__filename, 'latin1');
  const begin = source.lastIndexOf(XCPU_TEXT_BEGIN) + XCPU_TEXT_BEGIN.length;
  const text = source.slice(begin, source.lastIndexOf('*/')).replaceAll(XCPU_COMMENT_END, '*/');
  const file = keptFile();
  const kept = file === undefined ? undefined : readKept(file);
  const script = new Script(
    `(function(require,module,exports,__filename,__dirname,xcpuKeepCode){${text}\n})`,
    {
      filename: __filename,
      lineOffset: source.slice(0, begin).split('\n').length - 1,
      ...(kept && { cachedData: kept.code }),
    },
  );
  const level = script.cachedDataRejected ? 0 : (kept?.level ?? 0);
  const keepCode = (reached: number) => {
    if (file !== undefined && reached > level) keep(file, reached, script.createCachedData());
  };
  script.runInThisContext()(require, module, exports, __filename, __dirname, keepCode);
}

/** Another one for each V8, which takes nothing that another has made. */
function keptFile(): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env;
  if (NODE_DISABLE_COMPILE_CACHE) return undefined;
  try {
    const home = () => process.getBuiltinModule('node:os').homedir();
    const caches = XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : `${home()}/.cache`;
    return `${caches}/xcpu/${XCPU_NAME}-${process.versions.v8}`;
  } catch {
    // A user whom the system does not know.
    return undefined;
  }
}

/**
 * What was kept, if it is whole, of this very command, and nobody else's work: it is run as code. In a folder of
 * somebody else's, as whoever becomes another user may have one, a link could lead to what he has us own, or a FIFO
 * hold us up.
 */
function readKept(file: string): Kept | undefined {
  const { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } =
    process.getBuiltinModule('node:fs');
  const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
  try {
    if (!isOurs(lstatSync(folderOf(file)))) return undefined;
    const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!isOurs(stats) || !stats.isFile()) return undefined;
      const bytes = readFileSync(fd);
      const rest = bytes.subarray(DIGEST_BYTES);
      if (!bytes.subarray(0, DIGEST_BYTES).equals(digest(rest))) return undefined;
      return { level: rest[0] ?? 0, code: rest.subarray(LEVEL_BYTES) };
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function isOurs({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.geteuid?.() && !(mode & WRITABLE_BY_OTHERS);
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

/** A cache that cannot be written is none: nothing but time is lost. */
function keep(file: string, level: number, code: Buffer): void {
  const { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } =
    process.getBuiltinModule('node:fs');
  const made = `${file}.${process.pid}`;
  try {
    const folder = folderOf(file);
    // Step by step: below /proc, Node.js 20 never comes back from making directories recursively.
    for (const directory of [folderOf(folder), folder]) {
      if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
    }
    if (!isOurs(lstatSync(folder))) return;
    const rest = Buffer.concat([Buffer.of(level), code]);
    writeFileSync(made, Buffer.concat([digest(rest), rest]), { mode: 0o600, flag: 'wx' });
    renameSync(made, file);
  } catch {
    try {
      rmSync(made, { force: true });
    } catch {
      // The cache is in a directory that this user may not even look into.
    }
  }
}

/** V8 itself does not notice a changed byte. */
function digest(rest: Uint8Array): Buffer {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(XCPU_TEXT_DIGEST).update(rest).digest();
}
