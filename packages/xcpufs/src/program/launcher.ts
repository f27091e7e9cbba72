/**
 * What is run to become the user's program. Everything that a user chose reaches these fixed scripts as an
 * argument or as the value of a variable, never as part of their text, and no program that runs as root sees
 * the user's environment under its own names (LD_PRELOAD would make it his).
 */

import { environmentObject } from '@xcpu/xcpu-protocol';
import type { User } from '../users/users.js';
import type { Tools } from './tools.js';

/** What is to run, and in which surroundings. */
export interface ProgramSpec {
  /** A path, or a name to look up on the program's PATH. */
  readonly program: string;
  /** argv[0] first. */
  readonly argv: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  readonly directory: string;
  /** Whether not reaching the directory is an error; else the program starts in `/`. */
  readonly strict: boolean;
  /** Files in place of the pipes, by descriptor. */
  readonly redirections: readonly [stdin: string, stdout: string, stderr: string];
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whom Node is to start it as, where that says all there is to say. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Descriptor on which the launcher waits for the end of input before it goes on, if it is told to. */
export const GATE = 3;

/**
 * As the user: whether to wait at the gate, soft limit of descriptors (or empty), directory, whether that is strict, files for stdin, stdout
 * and stderr (or empty), number of variables, then the program and its arguments.
 *
 * It has no variables of its own: where the program's environment has the same, it would change that.
 */
const BECOME_PROGRAM = `
fail() { printf 'xcpufs: %s\\n' "$2" >&2; exit "$1"; }
export_variables() {
  while [ "$1" -gt 0 ]; do
    eval 'command export "$XCPU_VARIABLE_'"$1"'"; unset XCPU_VARIABLE_'"$1"
    set -- "$(($1 - 1))"
  done
}
[ -z "$1" ] || { read -r gate <&3; exec 3<&-; unset gate; }
shift
[ -z "$1" ] || ulimit -S -n "$1"
if [ -n "$3" ]; then
  cd -- "$2" 2>/dev/null || fail 125 "cd $2: no such directory, or not permitted"
else
  cd -- "$2" 2>/dev/null || cd /
fi
[ -z "$4" ] || command exec <"$4" || fail 125 "$4: cannot be read"
[ -z "$5" ] || command exec >"$5" || fail 125 "$5: cannot be written"
[ -z "$6" ] || command exec 2>"$6" || fail 125 "$6: cannot be written"
shift 6
unset OLDPWD
export_variables "$1" 2>/dev/null
shift
case $1 in
*/*)
  [ -e "$1" ] || fail 127 "$1: not found"
  [ ! -d "$1" ] || fail 126 "$1: is a directory"
  [ -x "$1" ] || fail 126 "$1: permission denied"
  ;;
-*) fail 127 "$1: not found" ;;
*) command -v -- "$1" >/dev/null || fail 127 "$1: not found" ;;
esac
`;

/**
 * The command that becomes the program.
 * @param user whom it runs as, undefined for the daemon's own user
 * @param gated whether it waits at GATE, for us to put it into its control group
 * @param nofile the soft limit of descriptors that the daemon was started with, if known
 */
export function launchCommand(
  tools: Tools,
  spec: ProgramSpec,
  user: User | undefined,
  gated: boolean,
  nofile: string,
): Command {
  const variables = exportable(spec.environment);
  const name = spec.argv[0] ?? spec.program;
  // Only bash can run a program under another name; without it the program sees its own.
  const renamed = name !== spec.program && tools.bash !== undefined;
  const args = [
    renamed ? (tools.bash as string) : tools.sh,
    '-c',
    `${BECOME_PROGRAM}exec ${renamed ? '-a "$0" ' : ''}"$@"\n`,
    name,
    gated ? 'wait' : '',
    nofile,
    spec.directory,
    spec.strict ? 'strict' : '',
    ...spec.redirections,
    String(variables.length),
    spec.program,
    ...spec.argv.slice(1),
  ];
  const env: Record<string, string> = {};
  for (const [index, variable] of variables.entries()) {
    env[`XCPU_VARIABLE_${index + 1}`] = variable;
  }
  if (!user || !tools.setpriv) return commandOf(args, env);
  // Node can set a user and one group, which spares a process; more groups are setpriv's work.
  const { uid, group, groups } = user;
  if (groups.size <= 1) return { ...commandOf(args, env), uid, gid: group.gid };
  return commandOf([tools.setpriv, ...identity(user), '--', ...args], env);
}

function commandOf(words: readonly string[], env: Command['env']): Command {
  const [file, ...args] = words as [string, ...string[]];
  return { file, args, env };
}

/** What a shell can export: names that are identifiers, none of the launcher's own. Its own PWD is the right one. */
function exportable(environment: ProgramSpec['environment']): string[] {
  return Object.entries(environmentObject(environment))
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !RESERVED.test(name))
    .map(([name, value]) => `${name}=${value}`);
}

const RESERVED = /^(PWD|OLDPWD|XCPU_VARIABLE_\d+)$/;

function identity(user: User): string[] {
  const groups = [...user.groups].map(({ gid }) => gid).join(',');
  return [`--reuid=${user.uid}`, `--regid=${user.group.gid}`, `--groups=${groups}`];
}
