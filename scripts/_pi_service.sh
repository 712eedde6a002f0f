# shellcheck shell=bash
# The second half of scripts/setup's steps, settings, key, models and service, and the way back.
# shellcheck disable=SC2154,SC2034  # as in _pi.sh; and what `step` reads is set here

# --- 6: settings ------------------------------------------------------------------------------------------------------

settings() {
  local name is_new=''
  name=$(hat_wanted)
  if [[ ! -e $settings_file ]]; then
    is_new=yes
    change "write $settings_file: every setting with its default" write_settings
  fi
  if [[ -z $is_dry && $(stat -c '%G %a' -- "$settings_file") != "edgevoice 640" ]]; then
    change "let the service read $settings_file" open_settings
  fi
  if [[ $name && ($is_new || $name != "$(hat_now)") ]]; then
    change "set what belongs to $name" board_settings
  fi
  if [[ $hat == none && $(hat_now) ]]; then
    note "[panel] and [amplifier] of $settings_file keep the pins of $(hat_now)"
    change "forget $(hat_now)" forget board
  fi
  usb_news "$is_new" >"$scratch/usb.txt"
  [[ ! -s $scratch/usb.txt ]] || change "let the settings take the USB sound card" usb_settings
  alsa_snippet >"$scratch/alsa.conf"
  copy "$scratch/alsa.conf" "$alsa_names" 644
  [[ $is_dry ]] || "$prefix/bin/edgevoice" config check --config "$settings_file" >"$scratch/log" 2>&1 ||
    fail "the settings are refused"
}

write_settings() {
  install -d -m 755 -- "${settings_file%/*}"
  "$prefix/bin/edgevoice" config init --path "$settings_file"
  open_settings
}

# The service reads it; other people on the machine need not.
open_settings() { chgrp edgevoice -- "$settings_file" && chmod 640 -- "$settings_file"; }

# --- 7: key -----------------------------------------------------------------------------------------------------------

# choose_key: take the key from where it was given, or ask for it; refuse what is none, without showing it.
choose_key() {
  local from=EDGEVOICE_API_KEY given=${EDGEVOICE_API_KEY:-}
  # Children have no use for it.
  unset EDGEVOICE_API_KEY
  if [[ $key_file ]]; then
    from="the key file $key_file"
    [[ -r $key_file ]] || give_up "$from cannot be read. Name another with --key-file."
    [[ ! -d $key_file ]] || give_up "$from holds no key: it is a folder. Name another with --key-file."
    # Bash has no zeros: one becomes a character that no key has.
    given=$(head -c 65536 -- "$key_file" | tr '\0' '\1') || give_up "$from cannot be read. Name another with --key-file."
    [[ $given ]] || given=' '
  elif [[ -z $given && $asks && ! -e $key_encrypted && ! -e $key_plain ]]; then
    from="what was typed"
    printf 'The key of your account at the service (not shown; Enter alone: none, the box then answers by itself): '
    read -rs given || true
    printf '\n'
  fi
  [[ $given ]] || return 0
  key=$(trimmed "$given")
  [[ $key ]] || give_up "$from holds no key. Give one, or leave it away."
  is_key "$key" || give_up "$from holds no key: that is one word of ASCII, of 16384 characters at most. Copy it again."
}

trimmed() {
  local text=${1#"${1%%[! $'\t\r\n']*}"}
  printf '%s' "${text%"${text##*[! $'\t\r\n']}"}"
}

is_key() {
  local LC_ALL=C
  [[ $1 =~ ^[!-~]+$ ]] && ((${#1} <= 16384))
}

store_key() {
  if [[ ! $key ]]; then
    [[ -e $key_encrypted || -e $key_plain ]] || note "none: the box answers by itself, with the little that it knows"
    return 0
  fi
  is_key "$key" || fail "what was given is no key"
  [[ $(stored_key) != "$key" ]] || return 0
  if can_encrypt && { [[ $is_dry ]] || is_encrypted; }; then
    change "store the key, encrypted for this machine" store_encrypted
  else
    change "store the key for root alone in $key_plain" write_key
  fi
}

# A key bound to a machine must be made on it: not in an image that several will be flashed with.
can_encrypt() { has_systemd && command -v systemd-creds >/dev/null && ! systemd-detect-virt --quiet --chroot; }

# Most systems have it already, from systemd.
key_folder() {
  [[ -d $1 ]] || remember "folder $1"
  install -d -m 700 -- "$1"
}

stored_key() {
  if [[ -e $key_encrypted ]]; then
    systemd-creds decrypt --name=api_key "$key_encrypted" - 2>/dev/null || true
  elif [[ -r $key_plain ]]; then
    printf '%s' "$(<"$key_plain")"
  fi
}

# Into our own folder first. It may fail with the command there: a /var that cannot be written, an older kernel.
is_encrypted() {
  # From a pipe: an argument would be seen by everybody.
  printf '%s' "$key" |
    systemd-creds encrypt --name=api_key --with-key=host - "$scratch/key" 2>"$scratch/creds.txt" && return
  note "systemd-creds cannot encrypt it here: $(tail -n 1 -- "$scratch/creds.txt")"
  return 1
}

store_encrypted() {
  key_folder "${key_encrypted%/*}"
  install -m 600 -- "$scratch/key" "$key_encrypted"
  mkdir -p -- "${key_drop_in%/*}"
  printf '[Service]\nLoadCredential=\nLoadCredentialEncrypted=api_key:%s\n' "$key_encrypted" >"$key_drop_in"
  rm -f -- "$key_plain"
}

write_key() {
  key_folder "${key_plain%/*}"
  install -m 600 /dev/null "$key_plain"
  printf '%s\n' "$key" >"$key_plain"
  rm -f -- "$key_encrypted" "$key_drop_in"
}

# --- 8: wake word -----------------------------------------------------------------------------------------------------

wake_word() {
  [[ -f $stamp && -f $wakes_for && $(<"$wakes_for") == "$(<"$stamp")" ]] &&
    compgen -G "$cache/wakeword-*.npz" >/dev/null && return
  change "make the wake word's network for this machine, and what the box says by itself" make_wake_word
}

make_wake_word() {
  local each python=("$prefix/bin/python" -I -m)
  as_service env HOME="$state" CACHE_DIRECTORY="$cache" "${python[@]}" edgevoice.wakeword
  # Else the first start would, while somebody speaks to it for the first time. Without them it tells limits by a sound,
  # and the service inside makes its language then.
  for each in sayings local.language; do
    as_service env HOME="$state" "${python[@]}" "edgevoice.$each" "$cache" || true
  done
  # Not in the cache, where a former setup had it: that belongs to the service.
  as_service rm -f -- "$cache/.made-for"
  cp -- "$stamp" "$wakes_for"
}

# --- 9: service -------------------------------------------------------------------------------------------------------

service() {
  copy_all "$at/etc/systemd" "$at/usr/local/bin"
  if has_systemd && [[ -e $scratch/changed ]]; then
    change "tell systemd" systemctl daemon-reload
  fi
  [[ -e ${unit%/*}/multi-user.target.wants/edgevoice.service ]] || change "start it at every boot" enable
  if [[ $starts && ! $is_dry && ! -e $state/echo.json && ! -e $reboot_due ]] && has_systemd && ! is_up; then
    measure_room
  fi
  if ! has_systemd; then
    note "no systemd runs here (a chroot, or an image): it starts at the next boot"
  elif [[ ! $starts ]]; then
    note "not started: --no-start"
  elif ! is_up; then
    change "start it" start restart
  elif [[ -e $scratch/changed ]]; then
    change "restart it" start restart
  fi
}

# What may interrupt the box depends on the room: found out once, before the service takes the sound for itself. No reason
# to fail, there may be no speaker yet.
measure_room() {
  note "now it listens to the room and plays a test sound: please be quiet for half a minute"
  /usr/local/bin/edgevoice doctor --echo </dev/null >&2 || note "the room is not known yet; later: edgevoice doctor --echo"
}

# A box that hears nothing is started again and again: that is up, too.
is_up() { [[ $(systemctl show --property=ActiveState --value edgevoice.service) =~ ^(active|activating|reloading)$ ]]; }

# Works on files alone, so also where no systemd runs.
enable() {
  if command -v systemctl >/dev/null; then
    systemctl enable edgevoice.service
  else
    mkdir -p -- "${unit%/*}/multi-user.target.wants"
    ln -sf -- "$unit" "${unit%/*}/multi-user.target.wants/edgevoice.service"
  fi
}

start() {
  systemctl reset-failed edgevoice.service 2>/dev/null || true
  systemctl "$1" edgevoice.service && return
  journalctl --unit=edgevoice --lines=10 --no-pager --output=cat
  return 1
}

# --- 10: examination --------------------------------------------------------------------------------------------------

examine() {
  local code=0 how=()
  if [[ $is_dry ]]; then
    note "would run: edgevoice doctor"
    return
  elif ! has_systemd; then
    note "nothing runs here to be examined; on the box: sudo edgevoice doctor"
    return
  fi
  # A sound test at every second run would be a nuisance.
  [[ -e $scratch/changed && $starts ]] || how=(--quick)
  touch -- "$scratch"/step-{changed,told}
  /usr/local/bin/edgevoice doctor "${how[@]}" </dev/null >&2 || code=$?
  ((code == 0)) || note "the doctor is not content; its lines tell what to do. All else is installed."
}

conclude() {
  local driver
  if [[ $is_dry ]]; then
    say "nothing was changed: this was --dry-run"
    return
  elif [[ -e $scratch/changed ]]; then
    say "ready after $((SECONDS - began)) s"
  else
    say "nothing to do: everything was as it should be ($((SECONDS - began)) s)"
  fi
  [[ -e $reboot_due ]] || return 0
  driver=$(driver_wanted)
  # The room could not be measured yet.
  say "now ${driver:+bring what the sound board needs ($driver), then }type \`sudo reboot\`, and after it," \
    "for half a minute of quiet in the room, \`sudo edgevoice doctor --echo\`"
}

# --- the way back -----------------------------------------------------------------------------------------------------

uninstall() {
  local steps=5
  step "service" remove_service "\`systemctl status edgevoice\` tells more."
  step "sound board" remove_board "Look at the boot configuration."
  step "Debian packages that came with it" remove_packages "apt-get's own words stand above."
  step "program and user" remove_program "See the line above."
  step "settings, key, what it remembers" remove_memory "See the line above."
  if [[ $is_dry ]]; then
    say "nothing was changed: this was --dry-run"
  elif [[ ! -e $scratch/changed ]]; then
    say "nothing to do: edgevoice is not installed"
  else
    say "edgevoice is removed"
  fi
  [[ $is_dry ]] || rm -f -- "$at/run/edgevoice-setup.lock" "$reboot_due"
}

# gone FILE...: have these not be there.
gone() {
  local each
  for each in "$@"; do
    [[ ! -e $each && ! -L $each ]] || change "remove $each" rm -rf -- "$each"
  done
}

remove_service() {
  if has_systemd && is_up; then
    change "stop it" systemctl stop edgevoice.service
  fi
  gone "${unit%/*}/multi-user.target.wants/edgevoice.service" "$unit"
  if has_systemd && [[ -e $scratch/step-changed ]]; then
    change "tell systemd" systemctl daemon-reload
    systemctl reset-failed edgevoice.service 2>/dev/null || true
  fi
}

remove_board() {
  local file
  file=$(boot_configuration) || return 0
  switch_off "$file"
  gone "$file.before-edgevoice"
}

# Only what came with us, and of that only what nobody else needs by now.
remove_packages() {
  local ours unneeded
  mapfile -t ours < <(sed -nE 's/^(package|coming|building) //p' "$notes" 2>/dev/null | sort -u)
  ((${#ours[@]})) || return 0
  if has_systemd && is_among dbus "$(printf '%s\n' "${ours[@]}")"; then
    note "dbus stays: systemd uses it while it runs"
    mapfile -t ours < <(printf '%s\n' "${ours[@]}" | grep -vx dbus)
    ((${#ours[@]})) || return 0
  fi
  if [[ $is_dry ]]; then
    change "remove those of these that nobody else needs: ${ours[*]}"
    return
  fi
  mapfile -t ours < <(comm -12 <(printf '%s\n' "${ours[@]}") <(present_packages))
  ((${#ours[@]} == 0)) || apt-mark auto "${ours[@]}" >/dev/null
  # By itself apt-get keeps what others only recommend or suggest.
  mapfile -t unneeded < <(apt-get --simulate -o APT::AutoRemove::RecommendsImportant=false \
    -o APT::AutoRemove::SuggestsImportant=false autoremove 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort |
    comm -12 - <(printf '%s\n' "${ours[@]}"))
  ((${#unneeded[@]} == 0)) || change "remove ${unneeded[*]}" apt_get purge "${unneeded[@]}"
}

remove_program() {
  local each to had_made=''
  ! grep -qx "group gpio" "$notes" 2>/dev/null || had_made=yes
  for each in "${copies[@]}"; do
    read -r _ to _ <<<"$each"
    gone "$to"
  done
  gone "$alsa_names" "$cache" "$PIP_CACHE_DIR"
  if id edgevoice &>/dev/null; then
    change "remove the user edgevoice" userdel edgevoice
    # The next user to be made might get its number.
    change "give what it leaves to root" orphan
  fi
  [[ ! $had_made ]] || ! getent group gpio >/dev/null || change "remove the group gpio" groupdel gpio
  gone "$prefix"
}

orphan() {
  [[ ! -d $state ]] || give root "$state"
  [[ ! -f $settings_file ]] || chgrp root -- "$settings_file"
}

remove_memory() {
  local kept=() each
  for each in "${settings_file%/*}" "$state" "$key_encrypted" "$key_plain" "$unit.d"; do
    [[ ! -e $each ]] || kept+=("$each")
  done
  if [[ $purges ]]; then
    ((${#kept[@]} == 0)) || gone "${kept[@]}"
  elif ((${#kept[@]})); then
    note "kept, until --uninstall --purge: ${kept[*]}"
  fi
  remove_folders
}

# Folders that we have made, the innermost first, and only those that nobody else uses by now. That of a key which is
# kept stays noted, until the key goes.
remove_folders() {
  local folders each left=()
  mapfile -t folders < <(sed -n 's/^folder //p' "$notes" 2>/dev/null | sort -ru)
  for each in "${folders[@]}"; do
    [[ $is_dry ]] || rmdir -- "$each" 2>/dev/null || true
    [[ $purges || ! -d $each || $each != "$at"/etc/credstore* ]] || left+=("$each")
  done
  if ((${#left[@]} == 0)); then
    gone "$notes"
  elif [[ ! $is_dry ]]; then
    printf 'folder %s\n' "${left[@]}" >"$notes"
  fi
}
