_assignctl() {
    # A separator that no name has.
    local IFS=$'\013' current=$2 word before=
    local -a words=()
    # Bash takes `--option=value` for three words.
    for word in "${COMP_WORDS[@]:0:COMP_CWORD}"; do
        if [[ $word != = || $before != --* ]]; then words+=("$word"); fi
        before=$word
    done
    if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then current=; fi
    # shellcheck disable=SC2207
    COMPREPLY=($(_CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX=${#words[@]} _ASSIGNCTL_COMPLETE=bash \
        assignctl -- "${words[@]}" "$current" 2>/dev/null)) || { COMPREPLY=(); return; }
    # Within quotes, readline closes them; elsewhere, what is special has to be quoted.
    if [[ ${#COMPREPLY[@]} -gt 0 && ${COMP_WORDS[COMP_CWORD]} != [\'\"]* ]]; then
        for word in "${!COMPREPLY[@]}"; do printf -v "COMPREPLY[word]" %q "${COMPREPLY[word]}"; done
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/:] ]]; then compopt -o nospace 2>/dev/null; fi
}
if [[ ${BASH_VERSINFO[0]} -gt 4 || ( ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ) ]]; then
    complete -o bashdefault -o nosort -F _assignctl assignctl
else
    complete -o bashdefault -F _assignctl assignctl
fi
