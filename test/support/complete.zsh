# Prints what zsh would complete: `zsh -f complete.zsh SCRIPT LINE...`, an [end] behind each line's. There is no way to
# ask but to type into a shell.
zmodload zsh/zpty
zpty shell zsh -f -i
# Every match goes through compadd: it tells them before it adds them.
zpty -w shell "PS1= PROMPT= RPROMPT= TERM=dumb; autoload -Uz compinit; compinit -u -D; source ${(q)1}
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd \"\$@\"; return; fi
  local -a told
  builtin compadd -A told \"\$@\"
  print -l -- \"<\"\${^told}\">\"
  builtin compadd \"\$@\"
}
done-typing() { print -r -- \"[\"\"end]\"; BUFFER= }
zle -N done-typing
bindkey '^X' done-typing
bindkey '^I' complete-word
zstyle ':completion:*' list-rows-first yes
LISTMAX=10000
print -r -- \"[\"\"ready]\""
zpty -r shell REPLY '*\[ready\]*'
for line in "${@[2,-1]}"; do
  zpty -w -n shell "$line"$'\t'$'\x18'
  zpty -r shell REPLY '*\[end\]*'
  print -r -- "$REPLY"
done
zpty -d shell
