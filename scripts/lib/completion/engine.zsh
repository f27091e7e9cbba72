_xcpu() {
  local entry owner wanted kind stopped operand program REPLY
  _xcpu_parse_as_ksh "${(@Q)words[1,CURRENT-1]}"
  if [[ -n $wanted ]]; then
    _xcpu_complete $wanted
  elif [[ -z $stopped && $PREFIX == --*=* ]]; then
    _xcpu_value "$owner ${PREFIX%%=*}"
    compset -P '*='
    _xcpu_complete ${REPLY:-nothing}
  elif [[ -z $stopped && $PREFIX == -* ]]; then
    local -a options
    _xcpu_explain "$owner"
    options=(${(f)REPLY})
    _describe -o option options
  else
    local answer=1
    _xcpu_verbs "$entry"
    if [[ $operand == 0 && -n $REPLY ]]; then
      compadd -- ${=REPLY} && answer=0
    fi
    _xcpu_complete ${kind:-nothing} && answer=0
    return answer
  fi
}

_xcpu_parse_as_ksh() {
  emulate -L ksh
  _xcpu_parse "$@"
}

_xcpu_complete() {
  local one answer=1
  for one in ${(s:/:)1}; do
    case $one in
      (nodes)
        local -a nodes
        nodes=(${(f)"$(_xcpu_nodes "${(Q)PREFIX}")"})
        compadd -- $nodes && answer=0
        ;;
      (command) _command_names -e && answer=0; [[ $PREFIX == */* ]] && _files && answer=0 ;;
      (arguments)
        shift $program words
        (( CURRENT -= program ))
        _normal && answer=0
        ;;
      (files) _files && answer=0 ;;
      (directories) _files -/ && answer=0 ;;
      (users) _users && answer=0 ;;
      (groups) _groups && answer=0 ;;
      (signals) compadd -- ${signals[2,-3]} && answer=0 ;;
      (words:*) compadd -- ${(s:,:)one#words:} && answer=0 ;;
    esac
  done
  return answer
}
