# Takes the words before the one that is completed apart, for bash and zsh. Sets
#   entry    the command, with its verb if it has one: what the tables below know
#   owner    the same for options: a verb may have those of its command
#   wanted   what the option in front of the word takes, if that is one that takes something
#   kind     what the operand is that the word is, if it is one
#   stopped  not empty where no options are possible any more
#   operand  how many operands stand before the word
#   program  the number of the word that is the program to run elsewhere, if there is one; the command's is 0
_xcpu_parse() {
  local word index=0 given=${NODES:-}
  entry=${1##*/} owner=${1##*/} wanted='' kind='' stopped='' operand=0 program=''
  shift
  for word in "$@"; do
    ((index += 1))
    if [[ -n $wanted ]]; then
      wanted=''
    elif [[ -z $stopped && $word == -- ]]; then
      stopped=yes
    elif [[ -z $stopped && $word == -?* ]] && ! _xcpu_signal "$word"; then
      _xcpu_option "$word"
    else
      _xcpu_verbs "$entry"
      if [[ $operand == 0 && " $REPLY " == *" $word "* ]]; then
        if _xcpu_verbs_own "$entry"; then owner="$entry $word"; fi
        entry="$entry $word"
        continue
      fi
      _xcpu_kind
      if [[ $kind == command && -z $program ]]; then program=$index; fi
      ((operand += 1))
      if _xcpu_stops "$entry"; then stopped=yes; fi
    fi
  done
  _xcpu_kind
}

# Whether a word is a signal as in kill -9 or kill -TERM.
_xcpu_signal() {
  _xcpu_kind
  [[ $kind == signals && ($1 == -[0-9]* || $1 == -[A-Z][A-Z]*) ]]
}

# An option, or several short ones in one word: what the last takes, and whether one of them names the nodes.
_xcpu_option() {
  local letters=${1#-}
  case $1 in
    --*)
      _xcpu_flag "${1%%=*}"
      if [[ $1 == *=* ]]; then wanted=''; fi
      ;;
    *)
      while [[ -n $letters ]]; do
        _xcpu_flag "-${letters:0:1}"
        letters=${letters:1}
        if [[ -n $wanted && -n $letters ]]; then
          wanted='' letters=''
        fi
      done
      ;;
  esac
}

_xcpu_flag() {
  if _xcpu_supplies "$owner $1"; then given=yes; fi
  _xcpu_value "$owner $1"
  wanted=$REPLY
}

# The kind of the operand that comes next. One that an option or $NODES stands for is not wanted again.
_xcpu_kind() {
  local word position=-1
  kind=''
  _xcpu_operands "$entry"
  for word in $REPLY; do
    if [[ $position == -1 && -n $given && $word == nodes ]]; then
      continue
    fi
    ((position += 1))
    if [[ $position == "$operand" || $word == *+ ]]; then
      kind=${word%+}
      return
    fi
  done
  kind=''
}

# What the node set $1 can become, the whole word on each line.
_xcpu_nodes() {
  local map
  for map in "${XCPU_NODES_FILE:-}" ~/.config/xcpu/nodes /etc/xcpu/nodes; do
    if [[ -n $map && -r $map ]]; then
      XCPU_WORD=$1 awk "$_xcpu_awk" "$map" 2>/dev/null
      return
    fi
  done
}
