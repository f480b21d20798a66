#!/usr/bin/env bash
# Builds GNU hello 2.10 from its upstream tarball in a store of its own below ./demo, without a
# daemon and without root, and shows what comes of it. `./dev demo` runs this.
#
# usage: demo.sh CINCH    (the built command)
set -euo pipefail
cinch=$(realpath "$1")
cd "$(dirname "$0")/../.."
mkdir -p demo
root=$PWD/demo/root
export NIX_CONF_DIR=$PWD/demo    # settings are those below, whatever this machine's nix.conf says
export NIX_CONFIG="
store = local?root=${root// /%20}
sandbox-paths = /bin /lib /lib64 /usr /etc/alternatives
max-jobs = auto
"

heading() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || heading() { printf '\n%s\n' "$*"; }

heading "The source"
tarball=$(docs/examples/fetch_hello.sh demo)
"$cinch" store add-file --name hello-2.10.tar.gz "$tarball"

heading "The derivations (docs/examples/hello/*.json)"
derivations=$("$cinch" derivation add docs/examples/hello/*.json)
echo "$derivations"

heading "The builds"
for derivation in $derivations; do
  output=$("$cinch" build --dry-run --json "$derivation^out" 2>/dev/null |
    sed 's/.*"out":"\([^"]*\)".*/\1/')
  if "$cinch" path-info "$output" >/dev/null 2>&1; then
    printf '%s\n  already valid: nothing to build\n' "$output"
    continue
  fi
  started=${EPOCHREALTIME/[.,]/}
  "$cinch" build --no-link "$derivation^out" </dev/null
  finished=${EPOCHREALTIME/[.,]/}
  printf '%s\n  built in %d ms; its log has %d lines\n' "$output" \
    $(((finished - started) / 1000)) "$("$cinch" log "$derivation" | wc -l)"
done

# $output is that of the last derivation, the check; what it refers to is hello itself.
heading "The closure of $output, with sizes in bytes"
"$cinch" path-info --recursive --size "$output"

heading "References"
"$cinch" path-info --recursive --json "$output" | python3 -c '
import json, sys
for path, info in json.load(sys.stdin).items():
    print(path, *info["references"], sep="\n  -> ")'

heading "What the program says"
"$cinch" store cat "$output" | tail -n 1
