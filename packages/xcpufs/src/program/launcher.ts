/**
 * What is run to become the user's program. Everything that a user chose reaches these fixed scripts as an
 * argument or as the value of a variable, never as part of their text, and no program that runs as root sees
 * the user's environment under its own names (LD_PRELOAD would make it his).
 */

import { environmentObject, type NamespaceStep } from '@xcpu/xcpu-protocol';
import { stepWords } from '../namespace/plan.js';
import { BUILDER } from '../namespace/scripts.js';
import type { User } from '../users/users.js';
import type { NamespaceTools, Tools } from './tools.js';

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
  /** File mode creation mask in octal digits, empty for the daemon's. */
  readonly umask: string;
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
 * As the user: whether to wait at the gate, soft limit of descriptors (or empty), umask (or empty), directory, whether
 * that is strict, files for stdin, stdout and stderr (or empty), number of variables, then the program and its arguments.
 *
 * It has no /dev/null, which a namespace may lack: descriptors are closed in place of that.
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
[ -z "$2" ] || umask "$2"
if [ -n "$4" ]; then
  cd -- "$3" 2>&- || fail 125 "cd $3: no such directory, or not permitted"
else
  cd -- "$3" 2>&- || cd /
fi
[ -z "$5" ] || command exec <"$5" || fail 125 "$5: cannot be read"
[ -z "$6" ] || command exec >"$6" || fail 125 "$6: cannot be written"
[ -z "$7" ] || command exec 2>"$7" || fail 125 "$7: cannot be written"
shift 7
unset OLDPWD
export_variables "$1" 2>&-
shift
case $1 in
*/*)
  [ -e "$1" ] || fail 127 "$1: not found"
  [ ! -d "$1" ] || fail 126 "$1: is a directory"
  [ -x "$1" ] || fail 126 "$1: permission denied"
  ;;
-*) fail 127 "$1: not found" ;;
*) hash "$1" 2>&- || fail 127 "$1: not found" ;;
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
    ...programWords(spec, variables.length),
  ];
  const env = variableNames(variables);
  if (!user || !tools.setpriv) return commandOf(args, env);
  // Node can set a user and one group, which spares a process; more groups are setpriv's work.
  const { uid, group, groups } = user;
  if (groups.size <= 1) return { ...commandOf(args, env), uid, gid: group.gid };
  return commandOf([tools.setpriv, ...identity(user), '--', ...args], env);
}

/** Who builds a program's namespace, and with what. */
export interface Builder {
  readonly tools: NamespaceTools;
  /** A process of the user namespace where the daemon may mount, undefined where it is root. */
  readonly userNamespace: number | undefined;
  readonly stage: string;
  readonly steps: readonly NamespaceStep[];
}

/**
 * The command that builds a namespace, then becomes the program.
 * @param user whom it runs as; where the daemon is not root, its own user
 */
export function buildCommand(
  tools: Tools,
  spec: ProgramSpec,
  user: User,
  builder: Builder,
  nofile: string,
): Command {
  const variables = exportable(spec.environment);
  const { mount, umount, mkdir, chroot, setpriv, unshare, nsenter } = builder.tools;
  const { userNamespace, stage, steps } = builder;
  const args = [
    ...(userNamespace === undefined
      ? []
      : [nsenter, `--user=/proc/${userNamespace}/ns/user`, '--preserve-credentials', '--']),
    // What the node unmounts goes away in sessions, too.
    ...[unshare, '--mount', '--propagation', 'slave', '--'],
    // Whatever runs from here on, the user's own in the agent too, gains no rights by it.
    ...[setpriv, '--no-new-privs', '--'],
    ...[tools.sh, '-c', BUILDER, 'xcpufs', stage],
    ...[String(user.uid), String(user.group.gid)],
    [...user.groups].map(({ gid }) => `+${gid}`).join(','),
    userNamespace === undefined ? 'become' : 'map',
    ...[mount, umount, mkdir, chroot, unshare],
    `${BECOME_PROGRAM}${EXEC_RENAMED}`,
    steps.some(({ command }) => command === 'umount') ? 'yes' : '',
    String(steps.length),
    ...stepWords(steps),
    spec.argv[0] ?? spec.program,
    '',
    nofile,
    ...programWords(spec, variables.length),
  ];
  return commandOf(args, variableNames(variables));
}

/** Whose shell it is, in there, nobody knows: if it has a bash beside it, that gives the program its name. */
const EXEC_RENAMED = `
if [ "$0" != "$1" ] && hash bash 2>&-; then
  exec bash -c 'exec -a "$0" "$@"' "$0" "$@"
fi
exec "$@"
`;

/** What BECOME_PROGRAM is told behind the limits. */
function programWords(spec: ProgramSpec, variables: number): string[] {
  return [
    spec.umask,
    spec.directory,
    spec.strict ? 'strict' : '',
    ...spec.redirections,
    String(variables),
    spec.program,
    ...spec.argv.slice(1),
  ];
}

function variableNames(variables: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [index, variable] of variables.entries()) {
    env[`XCPU_VARIABLE_${index + 1}`] = variable;
  }
  return env;
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
