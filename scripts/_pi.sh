# shellcheck shell=bash
# The steps of scripts/setup. Each step checks first, and changes only what needs to change, with `change`, which in a
# dry run only reports.
# shellcheck disable=SC2154  # hat, key, wheels, is_dry, starts, purges, steps and scratch are set by scripts/setup

checkout=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." >/dev/null && pwd -P)
readonly checkout
readonly at=${EDGEVOICE_SETUP_ROOT:-} # root of all system files; for tests
readonly prefix=$at/opt/edgevoice
readonly stamp=$prefix/.made-from   # what the program was made from; written last
readonly wakes_for=$prefix/.wakeword-made-for # the program for which the wake word's network was made
readonly notes=$at/var/lib/edgevoice.setup # what we added, so that uninstalling can remove it
readonly state=$at/var/lib/edgevoice cache=$at/var/cache/edgevoice
readonly settings_file=$at/etc/edgevoice/edgevoice.toml
readonly key_plain=$at/etc/credstore/edgevoice.api_key
readonly key_encrypted=$at/etc/credstore.encrypted/edgevoice.api_key
readonly unit=$at/etc/systemd/system/edgevoice.service
readonly page_enabled=${unit%/*}/sockets.target.wants/edgevoice-page.socket
readonly key_drop_in=$unit.d/10-key.conf
readonly power_rule=$at/etc/polkit-1/rules.d/49-edgevoice-poweroff.rules
readonly alsa_names=$at/etc/alsa/conf.d/99-edgevoice.conf
readonly manual=$at/usr/local/share/man/man1/edgevoice.1 completion=$at/usr/local/share/bash-completion/completions/edgevoice
readonly zsh_completion=$at/usr/local/share/zsh/site-functions/_edgevoice
readonly reboot_due=$at/run/edgevoice-setup.reboot # removed by the next boot
readonly block_begins='# edgevoice: sound board' block_ends='# edgevoice: end'
# From -> to, mode: files that are copied as they are.
readonly copies=(
  "systemd/edgevoice.sysusers $at/usr/lib/sysusers.d/edgevoice.conf 644"
  "systemd/edgevoice.tmpfiles $at/usr/lib/tmpfiles.d/edgevoice.conf 644"
  "systemd/60-edgevoice-gpio.rules $at/etc/udev/rules.d/60-edgevoice-gpio.rules 644"
  "systemd/edgevoice-dbus.conf $at/usr/share/dbus-1/system.d/edgevoice.conf 644"
  "systemd/edgevoice.sudoers $at/etc/sudoers.d/edgevoice 440"
  "systemd/edgevoice.service $unit 644"
  "systemd/edgevoice-page.socket ${unit%/*}/edgevoice-page.socket 644"
  "systemd/edgevoice-page.service ${unit%/*}/edgevoice-page.service 644"
  "systemd/edgevoice-page-settings.socket ${unit%/*}/edgevoice-page-settings.socket 644"
  "systemd/edgevoice-page-settings@.service ${unit%/*}/edgevoice-page-settings@.service 644"
  "systemd/edgevoice-command $at/usr/local/bin/edgevoice 755"
)
readonly needed_packages=(
  ca-certificates dbus libasound2-plugins libportaudio2 libspeexdsp1 libstdc++6 procps python3 python3-pyaudio python3-systemd
  python3-venv udev
)
# /tmp is memory on Debian 13, and a Pi Zero has little. What pip has fetched stays until the program is complete.
export TMPDIR=/var/tmp PIP_CACHE_DIR=$at/var/cache/edgevoice-setup
# The output of apt-get and dpkg is parsed here, so it must be in one language.
export LC_ALL=C.UTF-8
# The caller's environment must not run anything, nor redirect Python, pip, Perl or the linker. Where to find packages,
# and through which proxy, is the owner's choice and stays.
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
  # `sudo -E` and `su -m` keep it: pip would read the settings of a user other than root.
  [[ $EUID != 0 ]] || HOME=$(getent passwd 0 | cut -d : -f 6)
}
forget_environment

# shellcheck source-path=SCRIPTDIR source=_pi_tell.sh
source "$checkout/scripts/_pi_tell.sh"

# --- files and folders ------------------------------------------------------------------------------------------------

# copy FROM TO MODE: install a file unchanged from the checkout.
copy() {
  cmp --silent -- "$1" "$2" && [[ $(stat -c %a -- "$2") == "$3" ]] && return
  remember_folders "${2%/*}"
  change "write $2" install -D -m "$3" -- "$1" "$2"
}

# remember_folders FOLDER: note it and its parents if they exist on this system only because of us.
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
    fail "this is ${PRETTY_NAME:-an unknown system}" "edgevoice needs Raspberry Pi OS or Debian, 12 (Bookworm) or 13 (Trixie), 64-bit."
  fi
  architecture=$(dpkg --print-architecture)
  [[ $architecture == arm64 || $architecture == amd64 ]] ||
    fail "this system is for $architecture" "edgevoice needs the 64-bit system: the models have no 32-bit runtime."
  if version=$(python_version /usr/bin/python3) && [[ $version != 3.11 && $version != 3.13 ]]; then
    fail "Debian's Python is $version" "The locked packages are for 3.11 (Debian 12) and 3.13 (Debian 13)."
  fi
  (($(date +%Y) >= 2026)) ||
    fail "the clock says $(date +%F), which is in the past" "Set it (timedatectl, or sudo date -s ...); without it nothing can be verified."
  look_ahead
}

python_version() { "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# --- 3: user and devices ----------------------------------------------------------------------------------------------

user_and_devices() {
  local group
  copy_all "$at/usr/lib" "$at/etc/udev"
  if ! id edgevoice &>/dev/null; then
    change "create the user edgevoice" make_user
  fi
  for group in audio gpio spi; do
    [[ $is_dry ]] || make_group "$group"
    [[ $is_dry || " $(id -nG edgevoice) " == *" $group "* ]] || change "add edgevoice to $group" gpasswd -a edgevoice "$group"
  done
  own_folders
  let_people_in
}

# let_people_in: let the user who started this use the box and read its log without a password, through the group
# edgevoice.
let_people_in() {
  local person=${SUDO_USER:-} group groups=() missing=()
  if [[ -d $at/etc/sudoers.d ]] && command -v visudo >/dev/null && visudo -cqf "$checkout/systemd/edgevoice.sudoers"; then
    copy_all "$at/etc/sudoers.d"
  fi
  [[ $person && $person != root ]] && id "$person" &>/dev/null || return 0
  groups=(edgevoice)
  # The administrators' group can read every log already.
  [[ " $(id -nG "$person") " == *" adm "* ]] || groups+=(systemd-journal)
  for group in "${groups[@]}"; do
    [[ " $(id -nG "$person") " == *" $group "* ]] || missing+=("$group")
  done
  ((${#missing[@]})) || return 0
  change "add $person to the group${missing[1]:+s} ${missing[*]}" join "$person" "${missing[@]}"
  [[ $is_dry ]] || printf '%s' "$person is now in the group edgevoice: from the next login on, \`edgevoice doctor\` and" \
    " \`journalctl -u edgevoice\` need no sudo" >"$scratch/member"
}

# join PERSON GROUP...
join() {
  local group
  for group in "${@:2}"; do
    getent group "$group" >/dev/null || continue
    gpasswd -a "$1" "$group"
    remember "member $1 $group"
  done
}

# copy_all FOLDER...: copy the files for these folders.
copy_all() {
  local each from to mode folder
  for each in "${copies[@]}"; do
    read -r from to mode <<<"$each"
    for folder in "$@"; do
      [[ $to != "$folder"/* ]] || copy "$checkout/$from" "$to" "$mode"
    done
  done
}

# A box that an earlier version set up may lack one.
make_group() {
  getent group "$1" >/dev/null || { remember "group $1" && change "create the group $1" groupadd --system "$1"; }
}

make_user() {
  local group
  for group in gpio spi; do
    getent group "$group" >/dev/null || remember "group $group"
  done
  # Without systemd's own tool, as in a minimal root: do by hand what its file says.
  if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/edgevoice.conf
  else
    for group in audio gpio spi; do groupadd --system --force "$group"; done
    useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin -G audio,gpio,spi edgevoice
  fi
  # Not in a container, which has no devices of its own.
  if udevadm control --ping --timeout=5; then udevadm control --reload && udevadm trigger --subsystem-match=gpio --subsystem-match=spidev; fi
}

# Print mode and path of the service's folders.
folders() { awk -v at="$at" '$1 == "d" { print $3, at $2 }' "$checkout/systemd/edgevoice.tmpfiles"; }

own_folders() {
  local mode folder wrong=()
  while read -r mode folder; do
    [[ $(stat -c '%U 0%a' -- "$folder" 2>/dev/null) == "edgevoice $mode" ]] || wrong+=("$folder")
  done < <(folders)
  ((${#wrong[@]} == 0)) || change "create ${wrong[*]}" make_folders
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

# give NAME FOLDER: give a folder and its content to the user and the group of that name, except files with other hard
# links and anything behind a symbolic link: the folder's former owner may have planted these.
give() {
  find -P "$2" -xdev \( -type d -o -type l -o -links 1 \) \( ! -user "$1" -o ! -group "$1" \) \
    -execdir chown --no-dereference "$1:$1" -- {} +
}

# as_service COMMAND...: run it as the service's user. Only this reads and writes in that user's folders: root would
# follow links that the user puts there.
as_service() { setpriv --reuid=edgevoice --regid=edgevoice --init-groups --inh-caps=-all -- "$@"; }

# shellcheck source-path=SCRIPTDIR source=_pi_packages.sh
source "$checkout/scripts/_pi_packages.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_program.sh
source "$checkout/scripts/_pi_program.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_sound.sh
source "$checkout/scripts/_pi_sound.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_service.sh
source "$checkout/scripts/_pi_service.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_unread.sh
source "$checkout/scripts/_pi_unread.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_key.sh
source "$checkout/scripts/_pi_key.sh"
# shellcheck source-path=SCRIPTDIR source=_pi_remove.sh
source "$checkout/scripts/_pi_remove.sh"
