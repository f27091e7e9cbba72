# What the words before the one that is completed are, a line each: the entry of the tables below, which of them owns
# the options, the number of operands, the number of the word that is the program to run elsewhere, whether options are
# still possible, and the kind of the operand that comes next.
function __xcpu_parse
    set -l words (commandline -opc)
    set -l entry (string replace -r '.*/' '' -- $words[1])
    set -l owner $entry
    set -l operand 0
    set -l program 0
    set -l options yes
    set -l wanted ''
    set -l given $NODES
    for index in (seq (count $words))[2..]
        set -l word $words[$index]
        if test -n "$wanted"
            set wanted ''
        else if test $options = yes; and test "$word" = --
            set options no
        else if test $options = yes; and string match -qr -- '^-.' $word; and not begin
                test "$(__xcpu_kind $entry $operand $given)" = signals
                and string match -qr -- '^-([0-9]|[A-Z]{2})' $word
            end
            set -l flags (__xcpu_flags $owner $word)
            for flag in $flags
                __xcpu_supplies "$owner $flag"; and set given yes
            end
            if contains -- $word $flags; or test (string length -- $word) -eq (math 1 + (count $flags))
                set wanted (__xcpu_value "$owner $flags[-1]")
            end
        else if test $operand -eq 0; and contains -- $word (__xcpu_verbs $entry)
            __xcpu_verbs_own $entry; and set owner "$entry $word"
            set entry "$entry $word"
        else
            if test $program -eq 0; and test "$(__xcpu_kind $entry $operand $given)" = command
                set program $index
            end
            set operand (math $operand + 1)
            __xcpu_stops $entry; and set options no
        end
    end
    printf '%s\n' $entry $owner $operand $program $options "$(__xcpu_kind $entry $operand $given)"
end

# The options in a word: a long one, or short ones up to the first that takes something.
function __xcpu_flags -a owner word
    if string match -q -- '--*' $word
        string replace -r '=.*' '' -- $word
        return
    end
    for letter in (string split '' -- (string sub -s 2 -- $word))
        echo -- -$letter
        test -n "$(__xcpu_value "$owner -$letter")"; and return
    end
end

# The kind of an operand. One that an option or $NODES stands for is not wanted again.
function __xcpu_kind -a entry operand given
    set -l kinds (__xcpu_operands $entry)
    if test -n "$given"; and test "$kinds[1]" = nodes
        set -e kinds[1]
    end
    set -l kind $kinds[(math $operand + 1)]
    if test -z "$kind"; and string match -q '*+' -- $kinds[-1]
        set kind $kinds[-1]
    end
    string replace + '' -- $kind
end

# Whether options that these own are possible here.
function __xcpu_offers
    set -l parsed (__xcpu_parse)
    test $parsed[5] = yes; and contains -- $parsed[2] $argv
end

function __xcpu_operand
    set -l parsed (__xcpu_parse)
    if test $parsed[3] -eq 0
        printf '%s\n' (__xcpu_verbs $parsed[1])
    end
    __xcpu_complete "$parsed[6]" $parsed[4]
end

function __xcpu_complete -a kinds program
    for kind in (string split / -- $kinds)
        switch $kind
            case nodes
                __xcpu_nodes
            case command
                __fish_complete_command
            case arguments
                set -l words (commandline -opc)
                complete -C "$(string join ' ' -- (string escape -- $words[$program..-1]) (commandline -ct))"
            case files
                __fish_complete_path (commandline -ct)
            case directories
                __fish_complete_directories (commandline -ct)
            case users
                __fish_complete_users
            case groups
                __fish_complete_groups
            case signals
                string split ' ' -- (kill -l)
            case 'words:*'
                string split , -- (string replace words: '' -- $kind)
        end
    end
end

# What the node set can become, the whole word on each line.
function __xcpu_nodes
    set -l word (string replace -ar '[\'"\\\\]|^--[a-z-]+=' '' -- (commandline -ct))
    for map in $XCPU_NODES_FILE ~/.config/xcpu/nodes /etc/xcpu/nodes
        if test -r $map
            XCPU_WORD=$word awk $__xcpu_awk $map 2>/dev/null
            return
        end
    end
end
