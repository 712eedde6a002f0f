# shellcheck shell=bash
# The steps of scripts/setup, and how they are told of. Each looks first, and changes only what is not as it should be,
# by `change`, which tells instead of doing when nothing may be changed.
# shellcheck disable=SC2154  # hat, key, wheels, is_dry, starts, purges, steps and scratch are set by scripts/setup

checkout=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." >/dev/null && pwd -P)
readonly checkout
readonly at=${EDGEVOICE_SETUP_ROOT:-} # every file of the system is looked for below this folder; for tests
readonly prefix=$at/opt/edgevoice
readonly stamp=$prefix/.made-from   # what the program was made from; written last
readonly wakes_for=$prefix/.wakeword-made-for # the program that the wake word's network was made for
readonly notes=$at/var/lib/edgevoice.setup # what was not there before us, so that uninstalling may take it away
readonly state=$at/var/lib/edgevoice cache=$at/var/cache/edgevoice
readonly settings_file=$at/etc/edgevoice/edgevoice.toml
readonly key_plain=$at/etc/credstore/edgevoice.api_key
readonly key_encrypted=$at/etc/credstore.encrypted/edgevoice.api_key
readonly unit=$at/etc/systemd/system/edgevoice.service
readonly key_drop_in=$unit.d/10-key.conf
readonly alsa_names=$at/etc/alsa/conf.d/99-edgevoice.conf
readonly reboot_due=$at/run/edgevoice-setup.reboot # the next start takes it away
readonly block_begins='# edgevoice: sound board' block_ends='# edgevoice: end'
# From -> to, mode: files that are copied as they are.
readonly copies=(
  "systemd/edgevoice.sysusers $at/usr/lib/sysusers.d/edgevoice.conf 644"
  "systemd/edgevoice.tmpfiles $at/usr/lib/tmpfiles.d/edgevoice.conf 644"
  "systemd/60-edgevoice-gpio.rules $at/etc/udev/rules.d/60-edgevoice-gpio.rules 644"
  "systemd/edgevoice.service $unit 644"
  "systemd/edgevoice-command $at/usr/local/bin/edgevoice 755"
)
readonly needed_packages=(
  ca-certificates dbus libasound2-plugins libportaudio2 libspeexdsp1 libstdc++6 procps python3 python3-pyaudio python3-systemd
  python3-venv udev
)
readonly smallest_free_mb=900
readonly smallest_free_var_mb=500 # apt's lists and packages, 290 MB, and what pip fetches; where /var is by itself
# What pip and apt-get say where there is no way to the packages.
readonly without_network="Temporary failure (in name resolution|resolving '[^']*')|Could not resolve '[^']*'|\
Name or service not known|No address associated with hostname|Network is unreachable|No route to host|\
[Cc]onnection (refused|timed out|reset by peer)|[Tt]unnel connection failed[^')]*|Read timed out|\
Connection to [^ ]+ timed out|CERTIFICATE_VERIFY_FAILED\][^('\"]*"
# /tmp is memory on Debian 13, and a Pi Zero has little. What pip has fetched stays until the program is complete.
export TMPDIR=/var/tmp PIP_CACHE_DIR=$at/var/cache/edgevoice-setup
# What apt-get and dpkg tell is read here, and must be told in one language.
export LC_ALL=C.UTF-8
# Nothing that the caller's environment names may run, or lead Python, pip, Perl or the linker elsewhere. Where to find
# packages, and by which proxy, is the owner's choice and stays.
forget_environment() {
  local name
  for name in $(compgen -v PYTHON) $(compgen -v LD_) $(compgen -v PERL) $(compgen -v GIT_) $(compgen -v PIP_); do
    case $name in
      PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_FIND_LINKS | PIP_NO_INDEX | PIP_TRUSTED_HOST | PIP_CERT | PIP_CLIENT_CERT) ;;
      PIP_PROXY | PIP_TIMEOUT | PIP_DEFAULT_TIMEOUT | PIP_RETRIES | PIP_CACHE_DIR) ;;
      *) unset "$name" ;;
    esac
  done
  unset VIRTUAL_ENV BASH_ENV ENV CDPATH APT_CONFIG
  # `sudo -E` and `su -m` leave it: pip would read the settings of somebody who is not root.
  [[ $EUID != 0 ]] || HOME=$(getent passwd 0 | cut -d : -f 6)
}
forget_environment

# --- telling ----------------------------------------------------------------------------------------------------------

say() { printf 'setup: %s\n' "$*" >&2; }

give_up() {
  say "$*"
  exit 1
}

# sweep: take away what others of this have left that were killed. Under the lock: none of them runs.
sweep() {
  local each
  for each in "$TMPDIR"/edgevoice-setup.*; do
    [[ ! -d $each || -L $each || ! -O $each ]] || rm -rf -- "$each"
  done
}

# An interruption is told when what runs has ended: apt-get lets dpkg come to its end.
interrupted() {
  trap '' INT TERM
  say "interrupted${number:+ in step $number, $doing}. Start this again: it goes on from here."
  exit 130
}
trap interrupted INT TERM

# In a subshell, which has no traps: end it, and with it what would come next, though what was interrupted may fail.
interruptible() { trap 'exit 130' INT TERM; }

# fail CAUSE [REMEDY]: end the step that runs.
fail() {
  # What was told first is nearest to the cause.
  [[ -s $scratch/cause ]] || printf '%s' "$1" >"$scratch/cause"
  [[ -z ${2:-} || -s $scratch/remedy ]] || printf '%s' "$2" >"$scratch/remedy"
  exit 1
}

# Something about a step that is worth a line of its own.
note() {
  touch -- "$scratch/step-told"
  printf '      %s\n' "$*" >&2
}

# step TITLE FUNCTION REMEDY: run a step; if it fails, end with its name, the cause and the remedy.
step() {
  local title=$1 function=$2 remedy=$3 began=$SECONDS code
  number=$((${number:-0} + 1)) doing=$title
  printf '[%2d/%d] %s\n' "$number" "$steps" "$title" >&2
  rm -f -- "$scratch"/{cause,remedy,log,step-changed,step-told}
  # A subshell of its own, because the left side of `||` would switch `set -e` off inside the function.
  set +e
  (interruptible && set -e && "$function")
  code=$?
  set -e
  if ((code != 0)); then
    [[ ! -s $scratch/log ]] || tail -n 20 -- "$scratch/log" >&2
    [[ ! -s $scratch/cause ]] || note "$(<"$scratch/cause")"
    [[ ! -s $scratch/remedy ]] || remedy=$(<"$scratch/remedy")
    give_up "step $number, $title, failed. $remedy Then start this again: it goes on from here."
  fi
  if [[ ! -e $scratch/step-told ]]; then
    note "as it should be"
  elif [[ -e $scratch/step-changed && -z $is_dry ]]; then
    note "done, $((SECONDS - began)) s"
  fi
}

# change WHAT COMMAND...: do it quietly and tell; with --dry-run tell only.
change() {
  local what=$1 code
  shift
  touch -- "$scratch/step-changed"
  if [[ $is_dry ]]; then
    note "would $what"
    return
  fi
  note "$what"
  touch -- "$scratch/changed"
  # As in `step`: with `||` behind it, a function would run on after its first failure.
  set +e
  (interruptible && set -e && "$@") </dev/null >"$scratch/log" 2>&1
  code=$?
  set -e
  ((code == 0)) || failed "$what"
}

# failed WHAT: end the step with what its log tells of the cause, in one line. The surest first: a repository of somebody
# else that cannot be reached is told, too, and does not matter.
failed() {
  local told
  if told=$(told_by_log 'No space left on device'); then
    fail "this failed: $1: $told" "Make room: \`df -h\` shows where there is none."
  elif told=$(told_by_log 'dpkg: error processing (package|archive) [^ ]+|[A-Z ]*DO NOT MATCH THE HASHES[^.]*'); then
    fail "this failed: $1: $told"
  elif told=$(told_by_log "$without_network"); then
    fail "this failed: $1: $told" "Connect the network; or bring the packages in a folder, for --offline."
  else
    fail "this failed: $1"
  fi
}

told_by_log() { grep -oE -- "$1" "$scratch/log" 2>/dev/null | tail -n 1; }

# copy FROM TO MODE: have a file as it is in the checkout.
copy() {
  cmp --silent -- "$1" "$2" && [[ $(stat -c %a -- "$2") == "$3" ]] && return
  remember_folders "${2%/*}"
  change "write $2" install -D -m "$3" -- "$1" "$2"
}

# remember_folders FOLDER: note it, and what it is in, if a minimal system has them only because of us.
remember_folders() {
  local folder=$1
  while [[ -z $is_dry && ! -d $folder ]]; do
    remember "folder $folder"
    folder=${folder%/*}
  done
}

remember() {
  mkdir -p -- "${notes%/*}"
  printf '%s\n' "$*" >>"$notes"
}

has_systemd() { [[ -d $at/run/systemd/system ]]; }

# --- 1: this machine --------------------------------------------------------------------------------------------------

check_machine() {
  local architecture version
  # shellcheck source=/dev/null
  source /etc/os-release
  if [[ ${ID:-} != debian && ${ID:-} != raspbian ]] || ((${VERSION_ID:-0} < 12)); then
    fail "this is ${PRETTY_NAME:-an unknown system}" "It takes Raspberry Pi OS or Debian, 12 (Bookworm) or 13 (Trixie), 64-bit."
  fi
  architecture=$(dpkg --print-architecture)
  [[ $architecture == arm64 || $architecture == amd64 ]] ||
    fail "this system is for $architecture" "It takes the 64-bit system: the models have no 32-bit runtime."
  if version=$(python_version /usr/bin/python3) && [[ $version != 3.11 && $version != 3.13 ]]; then
    fail "Debian's Python is $version" "The locked packages are for 3.11 (Debian 12) and 3.13 (Debian 13)."
  fi
  [[ -e $stamp ]] || check_room
  (($(date +%Y) >= 2026)) ||
    fail "the clock says $(date +%F): that is past" "Set it (timedatectl, or sudo date -s ...); nothing can be verified so."
}

check_room() {
  local folder free wanted
  for folder in /opt /var/cache /var/tmp; do
    wanted=$smallest_free_mb
    if [[ $folder != /opt ]]; then
      [[ $(stat -c %d -- "$folder") != "$(stat -c %d -- /opt)" ]] || continue
      wanted=$smallest_free_var_mb
    fi
    free=$(df --output=avail -m -- "$folder" | tail -n 1)
    ((free > wanted)) || fail "only ${free// /} MB are free for $folder" "Make room: $wanted MB while it installs. \
300 MB stay in /opt; Debian packages that are missing take up to 120 MB, apt's lists and downloads 290 MB."
  done
}

python_version() { "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

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
  TMPDIR=/var/tmp DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y --no-install-recommends "$@"
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

# --- 3: user and devices ----------------------------------------------------------------------------------------------

user_and_devices() {
  local group
  copy_all "$at/usr/lib" "$at/etc/udev"
  if ! id edgevoice &>/dev/null; then
    change "make the user edgevoice" make_user
  fi
  for group in audio gpio; do
    [[ $is_dry || " $(id -nG edgevoice) " == *" $group "* ]] || change "put edgevoice into $group" gpasswd -a edgevoice "$group"
  done
  own_folders
}

# copy_all FOLDER...: copy what goes into these folders.
copy_all() {
  local each from to mode folder
  for each in "${copies[@]}"; do
    read -r from to mode <<<"$each"
    for folder in "$@"; do
      [[ $to != "$folder"/* ]] || copy "$checkout/$from" "$to" "$mode"
    done
  done
}

make_user() {
  getent group gpio >/dev/null || remember "group gpio"
  # Without systemd's own tool, as in a minimal root: what its file says, by hand.
  if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/edgevoice.conf
  else
    groupadd --system --force audio && groupadd --system --force gpio
    useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin -G audio,gpio edgevoice
  fi
  # Not in a container, which has no devices of its own.
  if udevadm control --ping --timeout=5; then udevadm control --reload && udevadm trigger --subsystem-match=gpio; fi
}

# Print mode and path of the service's folders.
folders() { awk -v at="$at" '$1 == "d" { print $3, at $2 }' "$checkout/systemd/edgevoice.tmpfiles"; }

own_folders() {
  local mode folder wrong=()
  while read -r mode folder; do
    [[ $(stat -c '%U 0%a' -- "$folder" 2>/dev/null) == "edgevoice $mode" ]] || wrong+=("$folder")
  done < <(folders)
  ((${#wrong[@]} == 0)) || change "make ${wrong[*]}" make_folders
}

# As in make_user.
make_folders() {
  local mode folder
  if command -v systemd-tmpfiles >/dev/null; then
    systemd-tmpfiles --create ${at:+"--root=$at"} "$at/usr/lib/tmpfiles.d/edgevoice.conf"
    return
  fi
  while read -r mode folder; do
    install -d -o edgevoice -g edgevoice -m "$mode" -- "$folder"
    give edgevoice "$folder"
  done < <(folders)
}

# give NAME FOLDER: let a user and the group of that name have a folder and all that is in it; but no file that has
# another name elsewhere, and nothing behind a link: whoever had the folder before may have put these there.
give() {
  find -P "$2" -xdev \( -type d -o -type l -o -links 1 \) \( ! -user "$1" -o ! -group "$1" \) \
    -execdir chown --no-dereference "$1:$1" -- {} +
}

# as_service COMMAND...: run it as the user of the service. What is in that user's folders is read and written by this
# alone: root would follow the links that a user puts there.
as_service() { setpriv --reuid=edgevoice --regid=edgevoice --init-groups --inh-caps=-all -- "$@"; }

# shellcheck source-path=SCRIPTDIR source=_pi_program.sh
source "$checkout/scripts/_pi_program.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_sound.sh
source "$checkout/scripts/_pi_sound.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_service.sh
source "$checkout/scripts/_pi_service.sh"
