/**
 * What builds a session's namespace: two fixed scripts that run side by side in the session's private mount namespace.
 * All that a user chose reaches them as an argument, never as part of their text.
 *
 * The builder has the rights to mount. Its own root stays the node's, on which nothing is ever mounted: what it runs is
 * the node's. What the user shapes is a copy of the node's tree (a recursive bind) in a directory that only root can
 * enter. The builder resolves no name in there: that is the work of the agent, a shell with the user's rights whose root
 * is that copy, and which was started before the user's first mount. It opens what a step names; the builder mounts
 * from and to /proc/AGENT/fd/8 and 9, which lead to the opened file itself, whatever its name leads to meanwhile.
 *
 * The agent may run what its user put in place of the node's programs, so neither it nor the builder can gain rights. It
 * must have nothing open that is on a mount of the builder's tree, /dev/null for one: a step could cover that. Whoever
 * has another root can go from that of the copy to the directory around it, so that one serves for nothing else.
 *
 * An agent that its user got hold of (it is his process) can at most name another file of his namespace. Should he kill
 * it and its number become another process's, that one is in another mount namespace, where the kernel lets the builder
 * mount nothing, or a child of the builder, which has nothing open as 8 and 9. Only chroot(2) asks for no namespace:
 * so the builder opens what it goes to, and then looks whose namespace that was.
 *
 * In a user namespace the kernel lets nobody bind a directory without what is mounted below: that could show what a mount
 * hides. So all binds are recursive there. What is mounted below what was bound read-only is found by numbers, in the
 * builder's mountinfo, and named by the agent again. A remount gives a mount new options, `nodev` or not: it is for the
 * mount of the expected number alone, which the builder has open, or can do it no harm.
 */

/** Words per step: line number, command, the two paths, options, and the type of what `mount` mounts. */
export const STEP_WORDS = 6;

/** Descriptors of the builder: the daemon, the pipe to the agent, the pipe from it; of pipes both ends, while an agent starts. */
export const CONTROL = 3;
export const TO_AGENT = 4;
export const FROM_AGENT = 5;

/** What the builder tells the agent: that it may go on, or to open what is mounted there below where a step mounted. */
const GO = 'go';
const BELOW = 'below ';
/**
 * What the agent answers about what is mounted below; else why it cannot be opened. Left alone is what its user cannot
 * get at, and what a mount does not protect: devices, pipes, sockets.
 */
const OPENED = 'ok';
const LEAVE = 'leave';

/** What the builder tells the daemon once there is a namespace to mount in. */
export const READY = 'ready';
/** What the daemon tells the builder when it may begin; then, for each import in turn, OK or why it failed. */
export const BEGIN = 'begin';
export const OK = 'ok';

/**
 * Arguments: the number of steps, then their words. For each step it prints `ok`, or why it cannot be done, and waits
 * to be told to go on. What is mounted below is told as in proc_pid_mountinfo(5): `\\040` is a blank.
 */
const AGENT = `
exec 6<&-
PATH=/usr/local/bin:/usr/bin:/bin
refuse() { printf '%s\\n' "$1"; exit; }
refuse_path() {
  [ ! -e "$1" ] || refuse "$1: permission denied"
  refuse "$1: no such file or directory"
}
tell_kind() {
  if [ -d "$1" ]; then kind=directory; else kind=file; fi
  [ ! -p "$1" ] && [ ! -S "$1" ] || refuse "$1: neither a file nor a directory"
}
open_below() {
  format=
  rest=$2
  while [ "$rest" != "\${rest#*%}" ]; do
    format=$format\${rest%%[%]*}%%
    rest=\${rest#*%}
  done
  below=$(printf "$format$rest/")
  below=$1\${below%/}
  exec 9<&-
  if [ -d "$below" ] && [ -e "$below/." ]; then
    below=$below/.
  elif [ ! -f "$below" ]; then
    printf '${LEAVE}\\n'
    return
  fi
  { command exec 9<"$below"; } 2>&- || refuse 'it cannot be opened'
  printf '${OPENED}\\n'
}
left=$1
shift
while [ "$left" -gt 0 ]; do
  case $2 in
  cd) command cd -- "$4" 2>&- || refuse_path "$4" ;;
  mkdir) reason=$(mkdir -p -- "$4" 2>&1) || refuse "$4: \${reason##*: }" ;;
  *)
    tell_kind "$4"
    { command exec 9<"$4"; } 2>&- || refuse_path "$4"
    new=$kind
    kind=directory
    case $2 in
    bind | rbind)
      tell_kind "$3"
      { command exec 8<"$3"; } 2>&- || refuse_path "$3"
      ;;
    esac
    [ "$new" = "$kind" ] || refuse "$4: is a $new, where a $kind is needed"
    ;;
  esac
  printf 'ok\\n'
  while read -r word; do
    case $word in
    '${BELOW}'*) open_below "$4" "\${word#'${BELOW}'}" ;;
    *) break ;;
    esac
  done
  [ "$word" = ${GO} ] || exit
  exec 8<&- 9<&-
  shift ${STEP_WORDS}
  left=$((left - 1))
done
`;

/**
 * Arguments: staging directory, user, group, groups (`+1,+2`), how to take on the user's rights (`become` him, or `map`
 * his number where the builder is root in a user namespace only), the paths of mount, umount, mkdir, chroot and unshare,
 * the program's script, whether a step unmounts (or nothing), the number of steps, their words, then the
 * script's $0 and arguments.
 */
export const BUILDER = `
stage=$1 user=$2 group=$3 groups=$4 way=$5 mount=$6 umount=$7 mkdir=$8 chroot=$9
shift 9
unshare=$1 program=$2 unmounts=$3 count=$4
shift 4
owner=$user owners=$group
[ "$way" = become ] || owner=0 owners=0
export LIBMOUNT_FORCE_MOUNT2=always LC_ALL=C

fail() { printf 'xcpufs: %s\\n' "$1" >&2; exit 125; }

attempt() {
  subject=$1
  shift
  reason=$("$@" 2>&1) && return
  reason=\${reason%%
*}
  reason=\${reason##*: }
  case $reason in
  # What mount(8) makes of EINVAL, whatever was to be mounted.
  'wrong fs type, bad option'*)
    case $subject in
    *': mount '*) reason='the kernel refuses it: the type does not take this device, or these options' ;;
    *': tmpfs '*) reason='the kernel refuses these options' ;;
    *) reason='the kernel does not let this be mounted there' ;;
    esac
    ;;
  esac
  fail "$subject: \${reason%.}"
}

add_mount_points() {
  top=$stage/tree/root/mnt
  attempt 'namespace: /mnt' "$mount" -n -c -t tmpfs -o size=64k,mode=755,nosuid,nodev xcpufs "$top"
  set -- "$top/term" "$top/sandbox"
  for entry in /mnt/*; do [ ! -d "$entry" ] || set -- "$@" "$stage/tree/root$entry"; done
  "$mkdir" -p -- "$@" 2>/dev/null
  for entry in /mnt/*; do
    [ ! -d "$entry" ] || "$mount" -n -c --rbind -- "$entry" "$stage/tree/root$entry"
  done 2>/dev/null
}

start_agent() {
  # Until the new agent has its end, a pipe without one would be at its end.
  exec 4<>/proc/self/fd/${TO_AGENT} 5<>/proc/self/fd/${FROM_AGENT}
  set -- /proc/self/fd/6 /bin/sh -c '${quoted(AGENT)}' xcpufs "$@"
  [ "$way" != become ] || set -- --userspec="+$user:+$group" --groups="$groups" "$@"
  "$chroot" "$@" </proc/self/fd/${TO_AGENT} >/proc/self/fd/${FROM_AGENT} 2<&0 3<&- 4<&- 5<&- &
  agent=$!
  exec 4>/proc/self/fd/${TO_AGENT} 5</proc/self/fd/${FROM_AGENT}
}

dismiss_agent() {
  echo end >&4
  wait "$agent"
}

bind_read_only() {
  place=$stage/file
  [ ! -d "/proc/$agent/fd/8" ] || place=$stage/directory
  attempt "$where" "$mount" -n -c "--$1" "/proc/$agent/fd/8" "$place"
  attempt "$where" "$mount" -n -c -o remount,bind,ro "$place"
  # Nothing that the node mounts later comes in.
  attempt "$where" "$mount" -n -c --make-rprivate "$place"
  below=
  [ "$place" = "$stage/file" ] || list_below
  attempt "$where" "$mount" -n -c --move "$place" "/proc/$agent/fd/9"
  set -f
  set -- $below
  set +f
  while [ $# -gt 0 ]; do
    # None of them is the program's to take away: another may be below it.
    kept="$kept $1"
    case $3 in ro | ro,*) ;; *) remount_below "$1" "$2" "$3" ;; esac
    shift 3
  done
}

# Of each mount its number, its place, and its options; no word has a blank.
list_below() {
  found=
  while read -r id parent device root point options rest; do
    case $point in
    "$place") found=yes ;;
    "$place"/*) below="$below $id \${point#"$place"} $options" ;;
    esac
  done </proc/self/mountinfo
  [ -n "$found" ] || fail "$where: the name of the daemon's directory for temporary files holds a blank"
}

remount_below() {
  printf '${BELOW}%s\\n' "$2" >&4
  IFS= read -r answer <&5 || exit 125
  case $answer in
  ${LEAVE}) return ;;
  ${OPENED}) ;;
  *) fail "$where: $2 is mounted below, and cannot be made read-only: $answer" ;;
  esac
  options=ro\${3#rw}
  if [ -d "/proc/$agent/fd/9" ]; then
    # The agent could name another now, which must not get these options.
    { command exec 7<"/proc/$agent/fd/9/."; } 2>/dev/null ||
      fail "$where: $2 is mounted below, and cannot be made read-only: it is closed to root"
    place=/proc/self/fd/7
    id=$(mount_number /proc/$$/fdinfo/7)
  else
    # Nor must what it names be opened here: so no options that could give it more.
    options=$options,nosuid,nodev
    place=/proc/$agent/fd/9
    id=$(mount_number "/proc/$agent/fdinfo/9")
  fi
  # Else another of them is mounted there, or above: that stays so.
  [ "$id" != "$1" ] || attempt "$where: $2" "$mount" -n -c -o "remount,bind,$options" none "$place"
  exec 7<&-
}

mount_number() {
  while read -r name id; do [ "$name" != mnt_id: ] || break; done <"$1"
  echo "$id"
}

place_import() {
  IFS= read -r answer <&3 || exit 125
  [ "$answer" = ${OK} ] || fail "$where: $answer"
  attempt "$where" "$mount" -n -c --move "$stage/import-$1" "/proc/$agent/fd/9"
}

remove_mount() {
  id=$(mount_number "/proc/$agent/fdinfo/9")
  case " $before $kept " in
  *" $id "*) fail "$where: not a mount of this program" ;;
  esac
  attempt "$where" "$umount" -n -c -l "/proc/$agent/fd/9"
}

change_root() {
  exec 6<"/proc/$agent/fd/9/."
  [ "/proc/$agent/ns/mnt" -ef /proc/self/ns/mnt ] || exit 125
}

perform() {
  where="namespace line $1: $2 $4"
  case $2 in
  bind | rbind)
    how=$2
    [ "$way" = become ] || how=rbind
    if [ "$5" = ro ]; then bind_read_only "$how"; else
      attempt "$where" "$mount" -n -c "--$how" "/proc/$agent/fd/8" "/proc/$agent/fd/9"
    fi
    ;;
  import | cache) place_import "$3" ;;
  tmpfs)
    set -- "$5" "/proc/$agent/fd/9"
    attempt "$where" "$mount" -n -c -t tmpfs -o "mode=755,$1\${1:+,}uid=$owner,gid=$owners,nosuid,nodev" xcpufs "$2"
    ;;
  mount) attempt "$where" "$mount" -n -c -t "$6" -o "$5\${5:+,}nosuid,nodev" -- "$3" "/proc/$agent/fd/9" ;;
  umount) remove_mount ;;
  chroot) change_root ;;
  esac
}

build() {
  left=$1
  shift
  [ "$left" -eq 0 ] || start_agent "$left" "$@"
  while [ "$left" -gt 0 ]; do
    IFS= read -r answer <&5 || exit 125
    [ "$answer" = ok ] || fail "namespace line $1: $answer"
    perform "$1" "$2" "$3" "$4" "$5" "$6"
    done=$2
    shift ${STEP_WORDS}
    left=$((left - 1))
    if [ "$left" -gt 0 ] && [ "$done" != chroot ]; then echo ${GO} >&4; continue; fi
    dismiss_agent
    [ "$left" -eq 0 ] || start_agent "$left" "$@"
  done
}

echo ${READY} >&3
cd -- "$stage/empty" || fail 'namespace: the directory of the daemon is gone'
# As mountinfo has it.
stage=$(pwd -P)
stage=\${stage%/empty}
attempt "namespace: the node's tree" "$mount" -n --rbind / "$stage/tree/root"
if [ -d /mnt ] && { [ ! -d /mnt/term ] || [ ! -d /mnt/sandbox ]; }; then add_mount_points; fi
# Until it is admitted it starts nothing that a user could lay hands on.
read -r word <&3 && [ "$word" = ${BEGIN} ] || exit 125
before= kept=
[ -z "$unmounts" ] || while read -r id rest; do before="$before $id"; done </proc/self/mountinfo
exec 6<"$stage/tree/root"
build "$count" "$@"
shift $((count * ${STEP_WORDS}))
unset LIBMOUNT_FORCE_MOUNT2 LC_ALL PWD OLDPWD
exec 3<&- 4>&- 5<&-
set -- /bin/sh -c "exec 6<&-$program" "$@"
if [ "$way" = become ]; then
  exec "$chroot" --userspec="+$user:+$group" --groups="$groups" /proc/self/fd/6 "$@"
fi
exec "$unshare" --user --map-user="$user" --map-group="$group" --root=/proc/self/fd/6 --wd=/ -- "$@"
`;

/** Text between single quotes of a shell. */
function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}
