# SPDX-License-Identifier: MIT
# Sourced by the scripts here that build: `quietly COMMAND...` shows what a command says only if it fails, and ends the script then.
# `log` is the file for it; the message begins with the script's name.
quietly() {
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        echo "pollux: ${0##*/}: $1 failed; its output is above" >&2
        exit 1
    fi
}
