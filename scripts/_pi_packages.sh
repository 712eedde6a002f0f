# shellcheck shell=bash
# What scripts/setup needs before it begins: space and network, and the Debian packages.
# shellcheck disable=SC2154  # as in _pi.sh

readonly smallest_free_mb=900
declare -rA extra_mb=([eval]=500 [mcp]=100)
readonly smallest_free_var_mb=500 # apt's lists and packages, 290 MB, and what pip fetches; if /var is a separate file system
look_limit_s=${look_limit_s:-4} # how long an address may take to answer

# --- 1: space and network ---------------------------------------------------------------------------------------------

# look_ahead: check, before the first step, that its needs are met. If nothing is missing, nothing is checked.
look_ahead() {
  local missing=() needs_program='' free wanted
  mapfile -t missing < <(missing_packages "${needed_packages[@]}")
  is_made || needs_program=yes
  ((${#missing[@]})) || [[ $needs_program ]] || return 0
  check_room
  free=$(free_mb /opt) wanted=$(wanted_mb)
  if [[ $is_dry || $wheels ]]; then
    note "needs $wanted MB to install; $free MB are free"
    return
  fi
  check_network "${#missing[@]}" "$needs_program"
  note "needs $wanted MB to install; $free MB are free, and the network answers"
}

wanted_mb() {
  local each wanted=$smallest_free_mb
  for each in "${extras[@]}"; do
    ! wants "$each" || wanted=$((wanted + extra_mb[$each]))
  done
  echo "$wanted"
}

free_mb() { df --output=avail -m -- "$1" | tail -n 1 | tr -d ' '; }

check_room() {
  local folder free wanted
  for folder in /opt /var/cache /var/tmp; do
    wanted=$(wanted_mb)
    if [[ $folder != /opt ]]; then
      [[ $(stat -c %d -- "$folder") != "$(stat -c %d -- /opt)" ]] || continue
      wanted=$smallest_free_var_mb
    fi
    free=$(free_mb "$folder")
    ((free > wanted)) || fail "only $free MB are free for $folder, but installing needs $wanted MB" \
      "Make room: 180 MB stay in /opt; Debian packages that are missing take up to 120 MB, apt's lists and downloads 290 MB."
  done
}

# check_network PACKAGES PROGRAM: check that Debian's package servers answer, if packages are missing, and Python's, if
# the program must be installed. One address each is enough: an unrelated repository does not matter.
check_network() {
  local mirrors=() indexes=()
  (($1 == 0)) || mapfile -t mirrors < <(apt_addresses)
  [[ ! $2 ]] || mapfile -t indexes < <(pip_addresses)
  answers "the Debian packages" "${mirrors[@]}"
  answers "the Python packages" "${indexes[@]}"
}

# shellcheck disable=SC2016  # the field is apt's, not the shell's
apt_addresses() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep '^https\?://' | sort -u; }

# Where pip will look: its configured index, else its default.
pip_addresses() {
  local told pip_of_debian=(/usr/share/python-wheels/pip-*.whl)
  [[ ! ${PIP_NO_INDEX:-} ]] || return 0
  told=${PIP_INDEX_URL:-$(sed -nE 's/^ *index-url *[=:] *//p' /etc/pip.conf "$HOME/.config/pip/pip.conf" 2>/dev/null | tail -n 1)}
  [[ $told || ! -f ${pip_of_debian[0]} ]] || told=$(/usr/bin/python3 -I -c 'import sys
sys.path.insert(0, sys.argv[1])
from pip._internal.models.index import PyPI
print(PyPI.simple_url)' "${pip_of_debian[0]}" 2>/dev/null) || true
  printf '%s\n' "$told" | grep '^https\?://' || true
}

# answers WHAT ADDRESS...: end the step if none of these addresses accepts a connection. Tries all in parallel.
answers() {
  local what=$1 address host port number=0 waiting=() told
  shift
  (($#)) || return 0
  for address in "$@"; do
    read -r host port < <(dialled "$address")
    number=$((number + 1))
    dial "$host" "$port" >"$scratch/dial-$number" 2>&1 &
    waiting+=($!)
  done
  for address in "${waiting[@]}"; do
    ! wait "$address" || return 0
  done
  told=$(grep -ohE "$without_network|no answer within .*" "$scratch"/dial-* | head -n 1)
  fail "cannot reach $what at $host: ${told:-it accepts no connection}" \
    "Connect the network, or bring the packages in a folder and use --offline."
}

# dial HOST PORT: open a connection and close it.
dial() {
  local code=0
  # shellcheck disable=SC2016  # the inner shell's arguments
  timeout "$look_limit_s" bash -c '</dev/tcp/$0/$1' "$1" "$2" || code=$?
  ((code != 124)) || echo "no answer within $look_limit_s s"
  return "$code"
}

# dialled ADDRESS: print the host and port to connect to for this address: its own, or those of a proxy.
dialled() {
  local address=$1 scheme=${1%%:*} host proxy name
  host=$(host_of "$address")
  for name in "${scheme}_proxy" "${scheme^^}_PROXY" all_proxy ALL_PROXY; do
    proxy=${proxy:-${!name:-}}
  done
  [[ $scheme != http || ! $(apt_proxy) ]] || proxy=$(apt_proxy)
  if [[ $proxy && $proxy != DIRECT ]] && ! is_bypassed "${host% *}"; then
    host=$(host_of "$proxy")
  fi
  printf '%s\n' "$host"
}

apt_proxy() { apt-config shell proxy Acquire::http::Proxy 2>/dev/null | sed -n "s/^proxy='\(.*\)'$/\1/p"; }

# host_of ADDRESS: print its host and port; the scheme's default port if it names none.
host_of() {
  local rest=${1#*://} port=80
  [[ $1 != https:* ]] || port=443
  rest=${rest%%/*} rest=${rest##*@}
  if [[ $rest =~ ^\[(.*)\](:([0-9]+))?$ ]]; then
    printf '%s %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]:-$port}"
  else
    [[ $rest != *:* ]] || port=${rest##*:}
    printf '%s %s\n' "${rest%%:*}" "$port"
  fi
}

is_bypassed() {
  local each names=${no_proxy:-${NO_PROXY:-}}
  for each in ${names//,/ }; do
    each=${each#\*}
    [[ $each && ($1 == "${each#.}" || $1 == *".${each#.}") ]] && return
  done
  return 1
}

# --- 2: Debian packages -----------------------------------------------------------------------------------------------

# missing_packages NAME...: print those that are not installed. One dpkg-query for all: each takes a Pi Zero 100 ms.
missing_packages() {
  {
    # A package unknown to dpkg makes it fail, but it still reports the others.
    dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true
    printf 'wanted %s\n' "$@"
  } | awk '$1 == "installed" { has[$2] } $1 == "wanted" && !($2 in has) { print $2 }'
}

debian_packages() {
  local missing
  mapfile -t missing < <(missing_packages "${needed_packages[@]}")
  ((${#missing[@]})) || return 0
  # Packages leave their folders behind, empty.
  remember_folders "${alsa_names%/*}"
  remember_folders "$at/etc/udev/rules.d"
  change "install ${missing[*]}" apt_install "${missing[@]}"
}

apt_get() {
  TMPDIR=/var/tmp DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o APT::Status-Fd=8 \
    -y --no-install-recommends "$@" 8>>"$scratch/apt-status"
}

apt_install() {
  # After an interruption apt-get would only ask for this. If it fails, the install after it says why.
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a || true
  # So does a failed update, and only if it mattered.
  if [[ $wheels ]]; then
    remembering --no-download install "$@" ||
      fail "these are missing, and --offline fetches nothing: $*" "Install them: apt-get install $*"
  else
    apt_get update || true
    remembering install "$@"
  fi
}

# Those that have files here, including half-installed ones whose own script failed.
present_packages() {
  dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' |
    sed -n '/ \(not-installed\|config-files\)$/!s/ .*//p' | sort -u
}

# expect WORD ARGUMENTS...: note under this word what apt-get will install, before it does, so that after any interruption
# we know which packages are ours.
expect() {
  local word=$1
  shift
  mkdir -p -- "${notes%/*}"
  { apt_get --simulate "$@" 2>/dev/null || true; } | sed -n 's/^Inst \([^ ]*\).*/\1/p' | sort |
    comm -13 <(present_packages) - | sed "s/^/$word /" >>"$notes"
  sync -- "$notes"
}

# noted_packages WORD: print those noted under this word that are installed.
noted_packages() { comm -12 <(sed -n "s/^$1 //p" "$notes" | sort -u) <(present_packages); }

forget() { sed -i "/^$1 /d" -- "$notes"; }

# remembering ARGUMENTS...: run apt-get and note what it installs, including dependencies, but not what failed to install,
# which somebody else may install later.
remembering() {
  local code=0
  expect coming "$@"
  apt_get "$@" || code=$?
  noted_packages coming | sed 's/^/package /' >>"$notes"
  forget coming
  return "$code"
}

