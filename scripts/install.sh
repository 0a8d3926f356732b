#!/bin/sh
# Installs parley-server, parley-client and parley-udp for this user.
#
#   PARLEY_RELEASES  where the releases are (default: this project's on GitHub)
#   PARLEY_VERSION   the version to install, as in 0.1.0 (default: the latest)
#   PARLEY_BIN       the folder to install into (default: ~/.local/bin)
set -eu

programs="parley-server parley-client parley-udp"
scratch=
child=

fail() {
  echo "install: $*" >&2
  exit 1
}

clean_up() {
  # A background process of a script ignores SIGINT.
  [ -z "$child" ] || kill "$child" 2>/dev/null || :
  [ -z "$scratch" ] || rm -rf "$scratch"
}

has() {
  command -v "$1" >/dev/null 2>&1
}

target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo x86_64-unknown-linux-gnu ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-gnu ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) fail "there is no build for $(uname -s) on $(uname -m)" ;;
  esac
}

# Everything that can be wrong on this machine, before anything is downloaded.
check_machine() {
  has curl || has wget || fail "curl or wget is required"
  has tar || fail "tar is required"
  has sha256sum || has shasum || has openssl || fail "sha256sum, shasum or openssl is required to verify the download"
  mkdir -p "$folder" 2>/dev/null || fail "Cannot create the folder $folder; set PARLEY_BIN to another one"
  [ -w "$folder" ] || fail "Cannot write to the folder $folder: permission denied; set PARLEY_BIN to another one"
  for program in $programs; do
    [ ! -d "$folder/$program" ] || fail "Cannot install $folder/$program: it is a directory"
  done
}

# download URL FILE: in the background, so that a signal is handled at once.
download() {
  if has curl; then
    curl --fail --silent --show-error --location --output "$2" "$1" </dev/null 2>"$scratch/error" &
  else
    wget -q -O "$2" "$1" </dev/null 2>"$scratch/error" &
  fi
  child=$!
  wait "$child" || fail "Cannot download $1: $(reason)"
  child=
}

# The last line that a failed command wrote.
reason() {
  last=$(tail -n 1 "$scratch/error")
  echo "${last:-no reason given}"
}

# sum FILE
sum() {
  if has sha256sum; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  else
    openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
  fi
}

main() {
  releases=${PARLEY_RELEASES:-https://github.com/parley/parley/releases}
  site=$releases/latest/download
  [ -z "${PARLEY_VERSION:-}" ] || site=$releases/download/v${PARLEY_VERSION#v}
  [ -n "${PARLEY_BIN:-}${HOME:-}" ] || fail "HOME is not set; set PARLEY_BIN to the folder to install into"
  folder=${PARLEY_BIN:-$HOME/.local/bin}
  target=$(target)
  check_machine

  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # In the folder itself: what is renamed there must be on the same file system.
  scratch=$(mktemp -d "$folder/.parley-install.XXXXXX") || fail "Cannot create a temporary folder in $folder"

  download "$site/SHA256SUMS" "$scratch/SHA256SUMS"
  # Two columns: the sum, and the archive's name, which carries version and target.
  line=$(tr -d '\r' <"$scratch/SHA256SUMS" | grep -E "^[0-9a-f]{64} [ *]parley-[^ ]+-$target\.tar\.gz\$") ||
    fail "$site has no build for $target"
  wanted=${line%% *}
  archive=${line##*[ *]}
  download "$site/$archive" "$scratch/$archive"
  found=$(sum "$scratch/$archive")
  [ "$found" = "$wanted" ] || fail "$archive is damaged: its SHA-256 is $found instead of $wanted"
  tar -xzf "$scratch/$archive" -C "$scratch" 2>"$scratch/error" || fail "Cannot unpack $archive: $(reason)"

  # Every program must start before the first one is replaced.
  for program in $programs; do
    new=$scratch/${archive%.tar.gz}/$program
    [ -f "$new" ] || fail "$archive does not contain $program"
    chmod 755 "$new"
    version=$("$new" --version </dev/null 2>"$scratch/error") ||
      fail "$program does not start on this machine, nothing was installed: $(reason)"
  done
  for program in $programs; do
    mv -f "$scratch/${archive%.tar.gz}/$program" "$folder/$program"
  done
  echo "installed $(echo "$programs" | sed 's/ /, /g') ${version#* } into $folder"
  case ":$PATH:" in
    *":$folder:"*) ;;
    *) echo "add it to the path: export PATH=\"$folder:\$PATH\"" ;;
  esac
}

# All of it is read before any of it runs: half a download does nothing.
main
