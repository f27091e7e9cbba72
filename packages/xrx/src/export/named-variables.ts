import { SetupError } from '@xcpu/libxcpu';
import { type EnvironmentEntry, parseWords, XcpuFormatError } from '@xcpu/xcpu-protocol';

/** The variable that names what travels. */
const LIST = 'XCPUENV';

/** What a program is told by its node or by xrx, whatever anybody asks for. */
const TOLD =
  /^XCPU(SID|ID|_PARENT|_INSTANCE|ARCHDIR|CLADDR|TSADDR|TSSID|TSPK|_RANK|_SIZE|_NODELIST)$/;
/** Ways to the user's keys and desktop. No node can take them, and none should know of them. */
const AT_HOME = /^(SSH_AUTH_SOCK|SSH_AGENT_PID|GPG_AGENT_INFO|DBUS_SESSION_BUS_ADDRESS)$/;

/**
 * The variables that `$XCPUENV` asks for, beside those that travel anyway; they win over these. Its lines, which a
 * newline or `\n` parts, hold names of variables that are to travel, where xrx has them, or `NAME=VALUE` up to the end
 * of the line; `'NAME=VALUE'` may be quoted as in a session's `env`.
 *
 * @throws SetupError naming what is no variable's name, or never travels
 */
export function namedVariables(
  env: Readonly<Record<string, string | undefined>>,
): EnvironmentEntry[] {
  const lines = (env[LIST] ?? '').replaceAll('\\n', '\n').split('\n');
  const entries = new Map<string, string>();
  for (const [name, given] of lines.flatMap(wordsOf)) {
    checkName(name);
    const value = given ?? (Object.hasOwn(env, name) ? env[name] : undefined);
    // Node.js puts U+FFFD in place of bytes that are no text.
    if (value !== undefined && !value.includes('\ufffd')) entries.set(name, value);
  }
  return [...entries];
}

/** A name, and the value where the line says it. */
type Word = readonly [name: string, value?: string];

function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  for (let rest = line.trim(); rest !== ''; ) {
    const quoted = rest.startsWith("'");
    const [, word = '', more = ''] = /^(\S+)\s*(.*)$/.exec(rest) ?? [];
    if (quoted) return [...words, ...unquoted(rest)];
    const equals = word.indexOf('=');
    if (equals >= 0) return [...words, [word.slice(0, equals), rest.slice(equals + 1)]];
    words.push([word]);
    rest = more;
  }
  return words;
}

function unquoted(text: string): Word[] {
  try {
    return parseWords(text).map((word): Word => {
      const equals = word.indexOf('=');
      return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
    });
  } catch (error) {
    throw error instanceof XcpuFormatError ? new SetupError(`$${LIST}: ${error.message}`) : error;
  }
}

function checkName(name: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    const shown = JSON.stringify(name);
    throw new SetupError(`$${LIST}: ${shown} is no name; wanted: names, or a line NAME=VALUE`);
  }
  if (TOLD.test(name)) throw new SetupError(`$${LIST}: ${name} is what xcpu itself says`);
  if (AT_HOME.test(name))
    throw new SetupError(`$${LIST}: ${name} never travels: it is a way to you`);
}
