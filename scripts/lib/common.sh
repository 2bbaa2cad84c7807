# Shared by the scripts: where things are, installing what is missing, building. Sourced, not run.
# Uses bash. Expects nothing; sets ZT_ROOT, ZT_BUILD.

set -euo pipefail

ZT_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# Builds go to build/<preset>; another root may be named, e.g. when the clone cannot be written.
ZT_BUILD=${ZEROTAIL_BUILD_ROOT:-$ZT_ROOT/build}

zt_note() { printf '%s\n' "$*" >&2; }

# zt_die THING WHAT: one line, exit 2 (usage or input), as the command itself does.
zt_die() {
  printf 'zerotail: %s: %s\n' "$1" "$2" >&2
  exit 2
}

zt_unknown_option() { zt_die "$1" "unknown option; see \`scripts/$(basename -- "$0") --help\`"; }

# zt_value OPTION COUNT [VALUE]: the value of an option, or an error that names the option.
zt_value() {
  [ "$2" -ge 2 ] || zt_die "$1" "needs a value"
  printf '%s' "$3"
}

# The packages of the named groups, one a line.
zt_packages() {
  local group line name groups
  while IFS= read -r line; do
    case $line in '#'* | '') continue ;; esac
    IFS='|' read -r name groups _ <<<"$line"
    for group in "$@"; do
      if [ "${groups// /}" = "$group" ]; then printf '%s\n' "${name// /}"; fi
    done
  done <"$ZT_ROOT/scripts/dependencies.txt"
}

# Of the packages on standard input, those that dpkg does not know as installed.
zt_missing() {
  local package
  while IFS= read -r package; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      printf '%s\n' "$package"
    fi
  done
}

zt_as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 127
  fi
}

# zt_install PACKAGE...: with apt, as root or through sudo.
zt_install() {
  local log
  log=$(mktemp -t zerotail-install.XXXXXX)
  zt_note "installing: $*"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    zt_die "packages" "missing, and this is neither root nor is there sudo; as root: apt-get install $*"
  fi
  # An outdated list of packages is the usual reason for a failed install, so it is renewed first.
  if ! { zt_as_root apt-get update &&
    zt_as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    zt_die "packages" "apt-get failed (log: $log); wanted: $*"
  fi
  rm -f "$log"
}

# zt_check_dependencies GROUP...: installs what is missing, and remembers the list it checked.
zt_check_dependencies() {
  local -a missing
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    zt_note "zerotail: no apt here; these must be installed by hand: $(zt_packages "$@" | tr '\n' ' ')"
    return 0
  fi
  mapfile -t missing < <(zt_packages "$@" | zt_missing)
  if [ ${#missing[@]} -gt 0 ]; then zt_install "${missing[@]}"; fi
}

# zt_need GROUP...: as zt_check_dependencies, but skipped when these groups were checked on this
# machine with the list as it is now.
zt_need() {
  local stamp="$ZT_BUILD/.dependencies-$HOSTNAME-$*" list
  stamp=${stamp// /-}
  list=$(cksum <"$ZT_ROOT/scripts/dependencies.txt")
  if [ -f "$stamp" ] && [ "$(<"$stamp")" = "$list" ]; then return 0; fi
  zt_check_dependencies "$@"
  zt_make_directory "$ZT_BUILD"
  printf '%s\n' "$list" >"$stamp"
}

# The next zt_need looks again: for after a failure, when somebody may have removed a package.
zt_forget_needs() { rm -f "$ZT_BUILD"/.dependencies-*; }

zt_make_directory() {
  mkdir -p "$1" 2>/dev/null ||
    zt_die "$1" "cannot be made; ZEROTAIL_BUILD_ROOT names another place for builds"
}

# Shows a build's steps as one redrawn line on a terminal, and nothing otherwise.
zt_show_steps() {
  local line
  if [ ! -t 2 ]; then
    cat >/dev/null
    return 0
  fi
  while IFS= read -r line; do
    case $line in
      '['*/*']'*) printf '\r\033[K%.*s' "${COLUMNS:-79}" "$line" >&2 ;;
    esac
  done
  printf '\r\033[K' >&2
}

# What went wrong, from a build log: the first failed step, or its last lines.
zt_show_failure() {
  local log=$1
  if grep -q -m1 '^FAILED: ' "$log"; then
    # The step itself, its output up to the next step, without the compiler's long command line.
    awk '/^FAILED: /{n++} n==1 && /^\[[0-9]+\/[0-9]+\]/{exit} n==1 && length($0) < 400' "$log" |
      head -n 40 >&2
  else
    tail -n 30 "$log" >&2
  fi
}

zt_configure_and_build() {
  local preset=$1 dir=$2
  shift 2
  if [ ! -f "$dir/build.ninja" ]; then
    cmake -S "$ZT_ROOT" --preset "$preset" -B "$dir" || return
  fi
  cmake --build "$dir" --parallel "$(zt_jobs)" --target "$@"
}

zt_jobs() { printf '%s' "${ZEROTAIL_JOBS:-$(nproc)}"; }

# zt_build PRESET TARGET...: configures when that was not done yet and builds, quietly. The log is
# build/<preset>/build.log. One build at a time in a build folder. Returns the build's status.
zt_build() {
  local preset=$1 dir="$ZT_BUILD/$1" log="$ZT_BUILD/$1/build.log" status=0
  shift
  zt_make_directory "$dir"
  # A home that cannot be written (or none) would make ccache fail.
  if [ ! -w "${HOME:-/nonexistent}" ]; then export CCACHE_DIR=${CCACHE_DIR:-$ZT_BUILD/.ccache}; fi
  # Objects are found again from another checkout: paths below the root are hashed relative to it.
  export CCACHE_BASEDIR="$ZT_ROOT" CCACHE_NOHASHDIR=1
  exec 9>"$dir/.lock"
  if ! flock --nonblock 9; then
    zt_note "waiting for another build in $dir"
    flock 9
  fi
  if [ ! -f "$dir/build.ninja" ]; then zt_note "building $preset for the first time (log: $log)"; fi
  zt_configure_and_build "$preset" "$dir" "$@" </dev/null 2>&1 9>&- |
    tee "$log" 9>&- | zt_show_steps 9>&- || status=$?
  exec 9>&-
  return $status
}

# zt_build_or_exit PRESET TARGET...: builds; a failure is shown and ends the script with 2.
zt_build_or_exit() {
  zt_build "$@" && return 0
  zt_show_failure "$ZT_BUILD/$1/build.log"
  zt_forget_needs
  zt_die "build/$1" "the build failed; the whole log is $ZT_BUILD/$1/build.log"
}
