# shellcheck shell=bash
# What scripts/setup needs before it begins, space and network, and the Debian packages.
# shellcheck disable=SC2154  # as in _pi.sh

readonly smallest_free_mb=900 eval_mb=500
readonly smallest_free_var_mb=500 # apt's lists and packages, 290 MB, and what pip fetches; where /var is by itself
look_limit_s=${look_limit_s:-4} # how long an address may take to answer

# --- 1: space and network ---------------------------------------------------------------------------------------------

# look_ahead: whether there is what the steps will need, before any of them begins. Nothing is asked for where nothing is
# missing.
look_ahead() {
  local missing=() needs_program='' free wanted
  mapfile -t missing < <(missing_packages "${needed_packages[@]}")
  is_made || needs_program=yes
  ((${#missing[@]})) || [[ $needs_program ]] || return 0
  check_room
  free=$(free_mb /opt) wanted=$(wanted_mb)
  if [[ $is_dry || $wheels ]]; then
    note "needed: $wanted MB while it installs; there are $free MB"
    return
  fi
  check_network "${#missing[@]}" "$needs_program"
  note "needed: $wanted MB while it installs; there are $free MB, and the network answers"
}

wanted_mb() { if wants_eval; then echo "$((smallest_free_mb + eval_mb))"; else echo "$smallest_free_mb"; fi; }

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
    ((free > wanted)) || fail "only $free MB are free for $folder, and $wanted MB are needed while it installs" \
      "Make room: 300 MB stay in /opt; Debian packages that are missing take up to 120 MB, apt's lists and downloads 290 MB."
  done
}

# check_network PACKAGES PROGRAM: have somebody answer where Debian's packages are, if some are missing, and where Python's
# are, if the program is to be made. One address each is enough: a repository of somebody else does not matter.
check_network() {
  local mirrors=() indexes=()
  (($1 == 0)) || mapfile -t mirrors < <(apt_addresses)
  [[ ! $2 ]] || mapfile -t indexes < <(pip_addresses)
  answers "the Debian packages" "${mirrors[@]}"
  answers "the Python packages" "${indexes[@]}"
}

# shellcheck disable=SC2016  # the field is apt's, not the shell's
apt_addresses() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep '^https\?://' | sort -u; }

# Where pip will look: what it was told, else what it has of its own.
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

# answers WHAT ADDRESS...: end the step if at none of these addresses a connection is taken. All are tried at once.
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
  fail "there is no way to $what at $host: ${told:-it takes no connection}" \
    "Connect the network; or bring the packages in a folder, for --offline."
}

# dial HOST PORT: open a connection and close it.
dial() {
  local code=0
  # shellcheck disable=SC2016  # the inner shell's arguments
  timeout "$look_limit_s" bash -c '</dev/tcp/$0/$1' "$1" "$2" || code=$?
  ((code != 124)) || echo "no answer within $look_limit_s s"
  return "$code"
}

# dialled ADDRESS: print host and port that a connection to this address is made to: its own, or those of a proxy.
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

# host_of ADDRESS: print host and port of it, the scheme's own where it names none.
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
    # What dpkg has never heard of makes it fail, and the others are told.
    dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true
    printf 'wanted %s\n' "$@"
  } | awk '$1 == "installed" { has[$2] } $1 == "wanted" && !($2 in has) { print $2 }'
}

debian_packages() {
  local missing
  mapfile -t missing < <(missing_packages "${needed_packages[@]}")
  ((${#missing[@]})) || return 0
  # Packages leave theirs behind, empty.
  remember_folders "${alsa_names%/*}"
  remember_folders "$at/etc/udev/rules.d"
  change "install ${missing[*]}" apt_install "${missing[@]}"
}

apt_get() {
  TMPDIR=/var/tmp DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o APT::Status-Fd=8 \
    -y --no-install-recommends "$@" 8>>"$scratch/apt-status"
}

apt_install() {
  # After an interruption apt-get would do nothing but ask for this. What it cannot do is told by the install after it.
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a || true
  # A failed update, too, and only if it mattered.
  if [[ $wheels ]]; then
    remembering --no-download install "$@" ||
      fail "these are missing, and --offline fetches nothing: $*" "Install them: apt-get install $*"
  else
    apt_get update || true
    remembering install "$@"
  fi
}

# Those that have files here: also what is half installed, because its own script failed.
present_packages() {
  dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' |
    sed -n '/ \(not-installed\|config-files\)$/!s/ .*//p' | sort -u
}

# expect WORD ARGUMENTS...: note by this word what apt-get will bring, before it does: after an interruption of any kind it
# is known what is ours.
expect() {
  local word=$1
  shift
  mkdir -p -- "${notes%/*}"
  { apt_get --simulate "$@" 2>/dev/null || true; } | sed -n 's/^Inst \([^ ]*\).*/\1/p' | sort |
    comm -13 <(present_packages) - | sed "s/^/$word /" >>"$notes"
  sync -- "$notes"
}

# noted_packages WORD: print those noted by this word that are here.
noted_packages() { comm -12 <(sed -n "s/^$1 //p" "$notes" | sort -u) <(present_packages); }

forget() { sed -i "/^$1 /d" -- "$notes"; }

# remembering ARGUMENTS...: run apt-get and note what it brings, what others ask for among it; not what it failed to bring,
# which may come by somebody else.
remembering() {
  local code=0
  expect coming "$@"
  apt_get "$@" || code=$?
  noted_packages coming | sed 's/^/package /' >>"$notes"
  forget coming
  return "$code"
}

