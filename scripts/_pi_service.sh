# shellcheck shell=bash
# Settings, wake word, service and examination in scripts/setup, and its final messages.
# shellcheck disable=SC2154,SC2034  # as in _pi.sh; and what `step` reads is set here

# --- 6: settings ------------------------------------------------------------------------------------------------------

settings() {
  local name is_new=''
  name=$(hat_wanted)
  if [[ ! -e $settings_file ]]; then
    is_new=yes
    change "write $settings_file with every setting and its default" write_settings
  fi
  if [[ -z $is_dry && $(stat -c '%G %a' -- "$settings_file") != "edgevoice 640" ]]; then
    change "let the service read $settings_file" open_settings
  fi
  if [[ $name && ($is_new || $name != "$(hat_now)") ]]; then
    change "set the pins and devices of $name" board_settings
  fi
  if [[ $hat == none && $(hat_now) ]]; then
    note "[panel] and [amplifier] of $settings_file keep the pins of $(hat_now)"
    change "forget $(hat_now)" forget board
  fi
  usb_news "$is_new" >"$scratch/usb.txt"
  [[ ! -s $scratch/usb.txt ]] || change "put the USB sound card into the settings" usb_settings
  alsa_snippet >"$scratch/alsa.conf"
  copy "$scratch/alsa.conf" "$alsa_names" 644
  [[ $is_dry ]] || "$prefix/bin/edgevoice" config check --config "$settings_file" >"$scratch/log" 2>&1 ||
    fail "the settings are refused"
  shutting_down
}

# shutting_down: let the service shut the machine down, as long as the settings want it.
shutting_down() {
  if ! shuts_down; then
    [[ ! -e $power_rule ]] || change "no longer let the buttons shut down" rm -f -- "$power_rule"
    return 0
  fi
  copy "$checkout/systemd/${power_rule##*/}" "$power_rule" 644
  [[ $is_dry || -e $at/usr/lib/polkit-1/polkitd ]] ||
    note "panel.shuts_down needs polkit, which is not installed: sudo apt-get install polkitd"
}

shuts_down() {
  [[ -e $settings_file ]] && has_python && /usr/bin/python3 -I -c '
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    sys.exit(tomllib.load(file).get("panel", {}).get("shuts_down") is not True)' "$settings_file" 2>/dev/null
}

write_settings() {
  install -d -m 755 -- "${settings_file%/*}"
  "$prefix/bin/edgevoice" config init --path "$settings_file"
  open_settings
}

# The service reads it; other users of the machine do not need to.
open_settings() { chgrp edgevoice -- "$settings_file" && chmod 640 -- "$settings_file"; }

# --- 8: wake word -----------------------------------------------------------------------------------------------------

wake_word() {
  is_wake_word_made ||
    change "build the wake word's network and the box's spoken messages for this machine" make_wake_word
  # Also after the step before this one has installed only what an earlier setup could not fetch.
  if ! is_wake_word_made || [[ $(unread_paths) ]]; then
    change "remove what a box never reads" remove_unread
  fi
}

is_wake_word_made() {
  [[ -f $stamp && -f $wakes_for && $(<"$wakes_for") == "$(<"$stamp")" ]] &&
    compgen -G "$cache/wakeword-*.np[yz]" >/dev/null
}

make_wake_word() {
  local python=("$prefix/bin/python" -I -m)
  as_service env HOME="$state" CACHE_DIRECTORY="$cache" "${python[@]}" edgevoice.wakeword
  # Otherwise the first start would, while somebody speaks to it for the first time. Without them a sound reports limits.
  as_service env HOME="$state" CACHE_DIRECTORY="$cache" "${python[@]}" edgevoice.box.sayings "$cache" || true
  # Not in the cache, where an earlier setup put it: that belongs to the service.
  as_service rm -f -- "$cache/.made-for"
  cp -- "$stamp" "$wakes_for"
}

# --- 9: service -------------------------------------------------------------------------------------------------------

service() {
  # The bus reads its rule by itself, once the user exists.
  copy_all "$at/etc/systemd" "$at/usr/share/dbus-1" "$at/usr/local/bin"
  manuals
  if has_systemd && [[ -e $scratch/changed ]]; then
    change "reload systemd" systemctl daemon-reload
  fi
  [[ -e ${unit%/*}/multi-user.target.wants/edgevoice.service ]] || change "start it at every boot" enable
  if [[ $starts && ! $is_dry && ! -e $state/echo.json && ! -e $reboot_due ]] && has_systemd && ! is_up; then
    measure_room
  fi
  if ! has_systemd; then
    note "systemd does not run here (a chroot, or an image): the service starts at the next boot"
  elif [[ ! $starts ]]; then
    note "not started: --no-start"
  elif ! is_up; then
    change "start it" start restart
  elif [[ -e $scratch/changed ]]; then
    change "restart it" start restart
  fi
}

# manuals: have the manual page and the completions say what the installed commands are. No reason to fail.
manuals() {
  local each
  [[ ! $is_dry && -x $prefix/bin/python ]] || return 0
  for each in manual completion zsh_completion; do
    if "$prefix/bin/python" -I -B "$checkout/scripts/_manual.py" "$each" >"$scratch/$each" 2>/dev/null; then
      copy "$scratch/$each" "${!each}" 644
    fi
  done
}

# What may interrupt the box depends on the room: measure it once, before the service occupies the sound card. A failure
# does not matter, there may be no speaker yet.
measure_room() {
  note "now measuring the room with a test sound: please be quiet for half a minute"
  /usr/local/bin/edgevoice doctor --echo </dev/null >&2 || note "the room could not be measured; do it later: edgevoice doctor --echo"
}

# A box that hears nothing is restarted again and again: that counts as up, too.
is_up() { [[ $(systemctl show --property=ActiveState --value edgevoice.service) =~ ^(active|activating|reloading)$ ]]; }

# Works only on files, so also where systemd does not run.
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
    note "nothing runs here that could be checked; on the box: sudo edgevoice doctor"
    return
  fi
  # A sound test in every run would be a nuisance.
  [[ -e $scratch/changed && $starts ]] || how=(--quick)
  touch -- "$scratch"/step-{changed,told}
  /usr/local/bin/edgevoice doctor "${how[@]}" </dev/null >&2 || code=$?
  ((code == 0)) || touch -- "$scratch/broken"
}

# conclude: report the result and what to do next; the last line is the first thing to say to the box.
conclude() {
  local driver
  if [[ $is_dry ]]; then
    say "nothing was changed: this was --dry-run"
    return
  fi
  if [[ -e $scratch/broken ]]; then
    say "installed after $((SECONDS - began)) s, but the examination above found something that does not work, with a remedy in each" \
      "line. \`edgevoice doctor\` looks again."
  elif [[ -e $scratch/changed ]]; then
    say "ready after $((SECONDS - began)) s"
  else
    say "nothing to do: everything was already set up ($((SECONDS - began)) s)"
  fi
  [[ ! -s $scratch/member ]] || say "$(<"$scratch/member")"
  if [[ -e $reboot_due ]]; then
    driver=$(driver_wanted)
    # The room could not be measured yet.
    say "now ${driver:+install what the sound board needs ($driver), then }type \`sudo reboot\`; after that, keep the room" \
      "quiet for half a minute and type \`sudo edgevoice doctor --echo\`; then say \"$(wake_words)\""
  elif [[ ! -e $scratch/broken ]] && has_systemd && is_up; then
    say "say \"$(wake_words)\""
  fi
}

# wake_words: print the configured wake words.
wake_words() {
  /usr/bin/python3 -I -c 'import pathlib, re, sys, tomllib
words = tomllib.loads(pathlib.Path(sys.argv[1]).read_text("utf-8-sig")).get("wakeword", {})
named = re.sub(r"_v\d[\d.]*$", "", pathlib.Path(words.get("model", "hey_jarvis")).stem).replace("_", " ").split()
print(" ".join(each if each in {"hey", "ok"} else each.capitalize() for each in named))' "$settings_file" 2>/dev/null ||
    echo "hey Jarvis"
}
