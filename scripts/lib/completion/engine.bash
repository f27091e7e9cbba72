_xcpu() {
  local entry owner wanted kind stopped operand program REPLY item
  local -a before=()
  local current='' lead='' replaced quoted=''
  _xcpu_words
  _xcpu_parse "${before[@]}"
  if [[ -z $wanted && -z $stopped && $current == --*=* ]]; then
    lead=${current%%=*}=
    current=${current#*=}
    _xcpu_value "$owner ${lead%=}"
    wanted=${REPLY:-nothing}
  fi
  case $current in
    [\'\"]*) quoted=yes current=${current:1} ;;
    *) current=${current//\\/} ;;
  esac
  COMPREPLY=()
  if [[ -n $wanted ]]; then
    _xcpu_complete "$wanted"
  elif [[ -z $stopped && $current == -* ]]; then
    _xcpu_options "$owner"
    _xcpu_offer -W "$REPLY"
  else
    _xcpu_complete "${kind:-nothing}"
    _xcpu_verbs "$entry"
    if [[ $operand == 0 ]]; then _xcpu_offer -W "$REPLY"; fi
  fi
  # readline replaces only what stands behind the last of $COMP_WORDBREAKS.
  for item in "${!COMPREPLY[@]}"; do
    COMPREPLY[item]=$lead${COMPREPLY[item]}
    COMPREPLY[item]=${COMPREPLY[item]#"$replaced"}
  done
}

# The words as the user sees them, which bash also parts at $COMP_WORDBREAKS: `before`, `current`, and what is in
# front of the part of `current` that is replaced.
_xcpu_words() {
  local rest=${COMP_LINE:-${COMP_WORDS[*]}} index word
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    if [[ $index == 0 || $rest == [[:blank:]]* || -z $word ]]; then
      if ((index > 0)); then before+=("$current"); fi
      current=''
      rest=${rest#"${rest%%[![:blank:]]*}"}
    fi
    replaced=$current
    current+=$word
    rest=${rest#"$word"}
  done
  if [[ $word == [:=@]* ]]; then replaced=$current; fi
}

_xcpu_complete() {
  local one
  for one in ${1//\// }; do
    case $one in
      nodes) _xcpu_offer_nodes ;;
      command)
        _xcpu_offer_files -f
        if [[ -n $current && $current != */* ]]; then _xcpu_offer -c; fi
        ;;
      arguments)
        if declare -F _command_offset >/dev/null && [[ $replaced == '' ]]; then
          _command_offset "$program"
        else
          _xcpu_offer_files -f
        fi
        ;;
      files) _xcpu_offer_files -f ;;
      directories) _xcpu_offer_files -d ;;
      users) _xcpu_offer -u ;;
      groups) _xcpu_offer -g ;;
      signals) _xcpu_offer -W "$(compgen -A signal -- SIG | sed s/SIG//)" ;;
      words:*) _xcpu_offer -W "${one#words:}" ;;
    esac
  done
}

_xcpu_offer() {
  local IFS=$' ,\n'
  COMPREPLY+=($(compgen "$@" -- "$current"))
}

_xcpu_offer_files() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\n'
  COMPREPLY+=($(compgen "$1" -- "$current"))
}

# Brackets mean something to the shell where they are not quoted.
_xcpu_offer_nodes() {
  local candidate
  while IFS= read -r candidate; do
    if [[ -z $quoted ]]; then
      candidate=${candidate//\[/\\[}
      candidate=${candidate//\]/\\]}
    fi
    COMPREPLY+=("$candidate")
  done < <(_xcpu_nodes "$current")
}
