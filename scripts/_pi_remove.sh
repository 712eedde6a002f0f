# shellcheck shell=bash
# Uninstalling in scripts/setup: removes everything except what the owner may want again.
# shellcheck disable=SC2154,SC2034  # as in _pi.sh; and what `step` reads is set here

# --- uninstalling -----------------------------------------------------------------------------------------------------

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

# gone FILE...: remove these if they exist.
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
  if has_systemd && [[ -e $page_enabled ]]; then
    change "switch the page off" systemctl disable --now edgevoice-page.socket edgevoice-page.service
  fi
  gone "${unit%/*}/multi-user.target.wants/edgevoice.service" "$unit" "$page_enabled" "${unit%/*}/edgevoice-page.socket.d"
  if has_systemd && [[ -e $scratch/step-changed ]]; then
    change "reload systemd" systemctl daemon-reload
    systemctl reset-failed edgevoice.service 2>/dev/null || true
  fi
}

remove_board() {
  local file
  file=$(boot_configuration) || return 0
  switch_off "$file"
  gone "$file.before-edgevoice"
}

# Only what we installed, and of that only what nothing else needs by now.
remove_packages() {
  local ours unneeded
  mapfile -t ours < <(sed -nE 's/^(package|coming|building) //p' "$notes" 2>/dev/null | sort -u)
  ((${#ours[@]})) || return 0
  if has_systemd && is_among dbus "$(printf '%s\n' "${ours[@]}")"; then
    note "dbus stays, because systemd is using it"
    mapfile -t ours < <(printf '%s\n' "${ours[@]}" | grep -vx dbus)
    ((${#ours[@]})) || return 0
  fi
  if [[ $is_dry ]]; then
    change "remove the packages among these that nothing else needs: ${ours[*]}"
    return
  fi
  mapfile -t ours < <(comm -12 <(printf '%s\n' "${ours[@]}") <(present_packages))
  ((${#ours[@]} == 0)) || apt-mark auto "${ours[@]}" >/dev/null
  # By default apt-get keeps what others only recommend or suggest.
  mapfile -t unneeded < <(apt-get --simulate -o APT::AutoRemove::RecommendsImportant=false \
    -o APT::AutoRemove::SuggestsImportant=false autoremove 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort |
    comm -12 - <(printf '%s\n' "${ours[@]}"))
  ((${#unneeded[@]} == 0)) || change "remove ${unneeded[*]}" apt_get purge "${unneeded[@]}"
}

remove_program() {
  local each to person group made
  mapfile -t made < <(sed -n 's/^group //p' "$notes" 2>/dev/null)
  for each in "${copies[@]}"; do
    read -r _ to _ <<<"$each"
    gone "$to"
  done
  gone "$alsa_names" "$power_rule" "$manual" "$completion" "$zsh_completion" "$cache" "$PIP_CACHE_DIR"
  # From groups other than our own, too.
  while read -r person group; do
    [[ " $(id -nG "$person" 2>/dev/null) " != *" $group "* ]] || change "remove $person from $group" gpasswd -d "$person" "$group"
  done < <(sed -n 's/^member //p' "$notes" 2>/dev/null)
  if id edgevoice &>/dev/null; then
    change "remove the user edgevoice" remove_user
    # The next new user might get its number.
    change "give its remaining files to root" orphan
  fi
  for group in "${made[@]}"; do
    ! getent group "$group" >/dev/null || change "remove the group $group" groupdel "$group"
  done
  gone "$prefix"
}

# With members, userdel leaves the group.
remove_user() {
  userdel edgevoice
  ! getent group edgevoice >/dev/null || groupdel edgevoice
}

orphan() {
  [[ ! -d $state ]] || give root "$state"
  [[ ! -f $settings_file ]] || chgrp root -- "$settings_file"
}

remove_memory() {
  local kept=() each
  for each in "${settings_file%/*}" "$state" "$key_encrypted" "$key_plain" "$unit.d" \
    "$at/var/lib/edgevoice-page" "$at/var/lib/private/edgevoice-page"; do
    [[ ! -e $each ]] || kept+=("$each")
  done
  if [[ $purges ]]; then
    ((${#kept[@]} == 0)) || gone "${kept[@]}"
  elif ((${#kept[@]})); then
    note "kept until --uninstall --purge: ${kept[*]}"
  fi
  remove_folders
}

# Folders that we have created, innermost first, and only those that nothing else uses by now. The folder of a key that is
# kept stays noted until the key is removed.
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
