#!/usr/bin/env bash
# Puts the upstream tarball of GNU hello 2.10 into a folder and prints its name. It comes from
# Debian's source package, from the mirrors that this machine's apt is configured with; apt keeps
# its lists and everything else in that folder, and the machine's own configuration stays as it is.
#
# usage: fetch_hello.sh FOLDER
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
tarball=$folder/hello_2.10.orig.tar.gz
sha256=31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b

is_right() { [ -f "$tarball" ] && echo "$sha256  $tarball" | sha256sum --check --status; }

# The mirrors of binary packages, as mirrors of source packages. Signatures do not matter here: the
# one file that is wanted is checked against its hash.
sources() {
  local all debian
  # apt fills in the fields of its own format language.
  # shellcheck disable=SC2016
  all=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' | sort -u)
  debian=$(grep '^Debian|.* main$' <<<"$all" | grep -v -e '-security ' -e '-updates ' || true)
  sed 's/^[^|]*|/deb-src [trusted=yes] /' <<<"${debian:-$all}"
}

# Read after the machine's configuration, whose proxy it keeps and whose hooks it leaves out.
configuration() {
  cat <<END
Dir::State "$folder/apt/state";
Dir::State::status "/dev/null";
Dir::Cache "$folder/apt/cache";
Dir::Etc::SourceList "$folder/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Sandbox::User "$(id -un)";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

apt() { apt-get --quiet=2 --config-file "$folder/apt/apt.conf" "$@" </dev/null >&2; }

if ! is_right; then
  mkdir -p "$folder"/apt/{state/lists/partial,cache/archives/partial}
  sources >"$folder/apt/sources.list"
  configuration >"$folder/apt/apt.conf"
  apt update || true   # a repository without sources is no failure, if another one has hello
  (cd "$folder" && rm -f "$tarball" && apt source --download-only --only-source hello) || true
fi
if ! is_right; then
  echo "fetch_hello.sh: could not get the source of GNU hello 2.10 through apt-get; put its" >&2
  echo "tarball (SHA-256 $sha256) at $tarball" >&2
  exit 1
fi
echo "$tarball"
