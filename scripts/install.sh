#!/bin/sh
# Installs parley-server, parley-client and parley-udp for this user.
#
#   PARLEY_RELEASES  where the releases are (default: this project's on GitHub)
#   PARLEY_VERSION   which one, as in 0.1.0 (default: the latest)
#   PARLEY_BIN       folder to install into (default: ~/.local/bin)
set -eu

releases=${PARLEY_RELEASES:-https://github.com/parley/parley/releases}
folder=${PARLEY_BIN:-$HOME/.local/bin}
if [ -n "${PARLEY_VERSION:-}" ]; then
  site=$releases/download/v$PARLEY_VERSION
else
  site=$releases/latest/download
fi

fail() {
  echo "install: $*" >&2
  exit 1
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

# download URL FILE
download() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget --quiet --output-document="$2" "$1"
  else
    fail "neither curl nor wget is here"
  fi || fail "cannot download $1"
}

# sum FILE
sum() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1"
  else
    shasum -a 256 "$1"
  fi | cut -d ' ' -f 1
}

main() {
  target=$(target)
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  download "$site/SHA256SUMS" "$scratch/SHA256SUMS"
  # Two columns: the sum, and the archive's name, which carries version and target.
  line=$(grep -E "  parley-[^ ]+-$target\.tar\.gz\$" "$scratch/SHA256SUMS") || fail "$site has no build for $target"
  wanted=${line%% *}
  archive=${line##* }
  download "$site/$archive" "$scratch/$archive"
  found=$(sum "$scratch/$archive")
  [ "$found" = "$wanted" ] || fail "$archive is damaged: its SHA-256 is $found, it should be $wanted"
  tar -xzf "$scratch/$archive" -C "$scratch"
  mkdir -p "$folder"
  for program in parley-server parley-client parley-udp; do
    # Put in place whole: one that runs is not written to.
    cp "$scratch/${archive%.tar.gz}/$program" "$folder/.$program.new"
    chmod 755 "$folder/.$program.new"
    mv "$folder/.$program.new" "$folder/$program"
  done
  echo "installed $("$folder/parley-server" --version) into $folder"
  case ":$PATH:" in
    *":$folder:"*) ;;
    *) echo "add it to the path: export PATH=\"$folder:\$PATH\"" ;;
  esac
}

# All of it is read before any of it runs: half a download does nothing.
main
