# shellcheck shell=bash
# The sound in scripts/setup: the board on the Pi, the USB sound card, and the ALSA names that lead to them.
# shellcheck disable=SC2154  # as in _pi.sh

usb=${usb:-} # --usb: the USB sound card to use, by ALSA's name for it
declare -Ar names_of_alsa=([microphone]=edgevoice_mic [speaker]=edgevoice_dac)

# --- 5: sound board ---------------------------------------------------------------------------------------------------

# board [NAME overlay|card|driver|usb|settings]: print what is known about a board; without a name, the names, one per
# line. Needs nothing that is not installed yet.
board() {
  # Most is asked more than once, and each start of Python takes a Pi a tenth of a second.
  local kept="$scratch/board-${1:-names}-${2:-}" new
  # Two may ask at once. Not below, where a redirection is expanded in the child.
  new=$kept.$BASHPID
  if [[ ! -e $kept ]]; then
    # A dry run installs no packages, so it says nothing about a board.
    [[ ! $is_dry ]] || has_python || return 0
    /usr/bin/python3 -I -B "$checkout/edgevoice/panel/boards.py" "$@" >"$new" || return
    mv -f -- "$new" "$kept"
  fi
  cat -- "$kept"
}

# needs_overlay NAME: whether the firmware has to enable this board. As board_names.
needs_overlay() {
  awk -v name="    name=\"$1\"," '/^[A-Z_0-9]+ = / { inside = 0 } $0 == name { inside = 1 }
    inside && /overlay=/ { found = 1 } END { exit !found }' "$checkout/edgevoice/panel/boards.py"
}

# boot_configuration: print the path of this Pi's firmware configuration; fails if there is none.
boot_configuration() {
  local each
  for each in "$at/boot/firmware/config.txt" "$at/boot/config.txt"; do
    if [[ -f $each ]]; then
      printf '%s\n' "$each"
      return
    fi
  done
  return 1
}

# The Debian packages install it; most systems have it already. python3-minimal has only a part of its library.
has_python() {
  [[ ${is_python_whole:-} ]] && return
  /usr/bin/python3 -I -c 'import sys
from importlib.util import find_spec
sys.exit(not all(map(find_spec, ("dataclasses", "http.client", "json", "ssl", "tomllib"))))' 2>/dev/null && is_python_whole=yes
}

# Without Python, parse the names from the source.
board_names() {
  if has_python; then board; else sed -n 's/^    name="\(.*\)",$/\1/p' "$checkout/edgevoice/panel/boards.py"; fi
}

# choose_hat: ask which board, unless it was named; refuse an unknown name.
choose_hat() {
  local names
  names=$(board_names | paste -sd ' ')
  if [[ -z $hat && $asks && -z $(hat_now) ]] && boot_configuration >/dev/null; then
    printf 'Which sound board is plugged onto the Pi? One of:\n  %s\n' "$names"
    while
      printf 'Just Enter: none, or a USB one. '
      # Ctrl-D counts as just Enter.
      read -r hat || printf '\n'
      [[ $hat && " $names none " != *" $hat "* ]]
    do
      printf 'There is no board %s. ' "$hat"
    done
  fi
  [[ -z $hat || " $names none " == *" $hat "* ]] ||
    give_up "there is no board $hat. Run setup again with one of: $names; or none"
  # Now, not in the middle of the installation.
  [[ -z $hat || $hat == none ]] || boot_configuration >/dev/null || ! needs_overlay "$hat" ||
    give_up "this machine has no boot configuration of a Raspberry Pi, so $hat cannot be enabled. Leave --hat out."
}

# The board that the Pi should have.
hat_wanted() { [[ $hat == none ]] || printf '%s\n' "${hat:-$(hat_now)}"; }

# The board that was chosen last.
hat_now() { sed -n 's/^board //p' "$notes" 2>/dev/null | tail -n 1; }

sound_board() {
  local file driver overlay=''
  tell_usb
  [[ $hat ]] || return 0
  driver=$(driver_wanted)
  [[ ! $driver ]] || note "$hat needs more than this script installs: $driver. Without that it stays silent."
  [[ $hat == none ]] || overlay=$(board "$hat" overlay)
  if ! file=$(boot_configuration); then
    [[ ! $overlay ]] ||
      fail "this machine has no boot configuration of a Raspberry Pi" "Leave --hat out: $hat cannot be enabled here."
    return 0
  fi
  if [[ ! $overlay ]]; then
    switch_off "$file"
    return
  fi
  { without_block "$file" && block "$overlay"; } >"$scratch/config.txt"
  cmp --silent -- "$scratch/config.txt" "$file" && return
  has_block "$file" || change "keep a copy of $file" cp -- "$file" "$file.before-edgevoice"
  change "enable $hat in $file" replace_content "$scratch/config.txt" "$file"
  restart_is_due
}

# What the board needs that only its owner can provide.
driver_wanted() {
  local name
  name=$(hat_wanted)
  [[ ! $name ]] || board "$name" driver
}

restart_is_due() { [[ $is_dry ]] || install -D -m 644 /dev/null "$reboot_due"; }

# block OVERLAY: a separate section, because the file may end in one for other models.
block() { printf '%s %s\n[all]\n%s\n%s\n' "$block_begins" "$hat" "$1" "$block_ends"; }

# shellcheck disable=SC1003  # the backslash is for sed
# The file with a line end after its last line, so that ours begin on a new line.
with_ends() { sed -e '$a\' -- "$1"; }

without_block() { with_ends "$1" | sed -e "/^$block_begins /,/^$block_ends\$/d"; }

has_block() { grep -q "^$block_begins " "$1"; }

# switch_off FILE: remove our lines; if only the final line end differs from the original, restore the original.
switch_off() {
  local before=$1.before-edgevoice
  has_block "$1" || return 0
  without_block "$1" >"$scratch/config.txt"
  if [[ -f $before ]] && cmp --silent -- <(with_ends "$before") "$scratch/config.txt"; then
    cp -- "$before" "$scratch/config.txt"
  fi
  change "disable the board in $1" replace_content "$scratch/config.txt" "$1"
  restart_is_due
}

# The boot partition is FAT: a new file beside the old one, then one rename, is as safe as it gets.
replace_content() {
  cp -- "$1" "$2.new"
  sync -- "$2.new"
  mv -f -- "$2.new" "$2"
}

# put_settings FILE [OLD]: write the values of FILE, as `board NAME settings` prints them, into the settings; with OLD
# only where the setting has that value now, or none.
put_settings() { /usr/bin/python3 -I -B "$checkout/scripts/_settings.py" "$settings_file" "$@"; }

# The board's pins, and the names of the snippet: a board's card supports only one rate and format.
board_settings() {
  local name
  name=$(hat_wanted)
  board "$name" settings >"$scratch/board.toml"
  put_settings "$scratch/board.toml"
  [[ $(hat_now) == "$name" ]] || remember "board $name"
}

# --- the USB sound card -----------------------------------------------------------------------------------------------

# The machine on which an image is made has its own cards, and they are visible in the image.
in_image() { [[ ! $at ]] && systemd-detect-virt --quiet --chroot 2>/dev/null; }

# usb_pcms: print what the USB sound cards can do: side, the card's name, which unlike its number survives a restart, and
# the name of the PCM.
usb_pcms() {
  local folder name each found
  ! in_image || return 0
  for folder in "$at"/proc/asound/card[0-9]*; do
    # Only the driver of USB cards reports a usbid (linux: sound/usb/proc.c).
    [[ -f $folder/usbid ]] || continue
    # If it is unplugged at this moment, it has none.
    name=$(cat -- "$folder/id" 2>/dev/null) || continue
    [[ $name =~ ^[A-Za-z0-9_-]+$ ]] || continue
    for each in c:microphone p:speaker; do
      # Most have one device, with pcm0c and pcm0p (linux: sound/core/pcm.c); use the first that has the side.
      found=("$folder"/pcm*"${each%:*}")
      [[ -e ${found[0]} ]] || continue
      found=("${found[0]##*/pcm}")
      printf '%s %s hw:CARD=%s,DEV=%s\n' "${each#*:}" "$name" "$name" "${found[0]%[cp]}"
    done
  done
}

# usb_cards SIDE...: print the names of the USB sound cards that have every one of these sides.
usb_cards() { usb_pcms | awk -v sides=" $* " -v many=$# 'index(sides, " " $1 " ") && ++has[$2] == many { print $2 }'; }

# usb_noted SIDE: the card chosen last for that side.
usb_noted() { [[ ! -e $notes ]] || sed -n "s/^usb $1 //p" "$notes" | tail -n 1; }

# is_among NAME NAMES: whether it is one of these lines.
is_among() { [[ $1 && $'\n'$2$'\n' == *$'\n'"$1"$'\n'* ]]; }

# sides_of_usb: print which of microphone and speaker a USB sound card must provide. Plain GPIO says nothing about sound.
sides_of_usb() {
  if has_sound_board; then board "$(hat_wanted)" usb; else printf '%s\n' microphone speaker; fi
}

has_sound_board() { ! [[ $(hat_wanted) =~ ^(gpio)?$ ]]; }

card_of() { sed -E 's/^hw:CARD=(.*),DEV=.*$/\1/' <<<"$1"; }

# usb_pcm SIDE SIDES...: print the PCM for one of the wanted sides, or nothing. Prefers the requested card, then the
# previous one, then one that has all wanted sides. With a board, a card with one side is enough; without a board, there
# may be another sound card.
usb_pcm() {
  local noted able whole any='' name
  noted=$(usb_noted "$1")
  able=$(usb_cards "$1")
  whole=$(usb_cards "${@:2}")
  [[ $noted ]] || ! has_sound_board || any=${able%%$'\n'*}
  for name in "$usb" "$(card_of "$noted")" "${whole%%$'\n'*}" "$any"; do
    if is_among "$name" "$able"; then
      usb_pcms | sed -n "s/^$1 $name //p"
      return
    fi
  done
  # Not plugged in now: do not undo what was configured.
  [[ ! $noted ]] || printf '%s\n' "$noted"
}

tell_usb() {
  local side sides pcm name able others
  mapfile -t sides < <(sides_of_usb)
  for side in "${sides[@]}"; do
    pcm=$(usb_pcm "$side" "${sides[@]}")
    name=$(card_of "$pcm")
    able=$(usb_cards "$side")
    if [[ ! $pcm ]]; then
      tell_no_usb "$side"
      # Without a board both are missing at once.
      is_for_one_side || return 0
    elif ! is_among "$name" "$able"; then
      note "$side: the USB sound card $name is not plugged in"
    elif [[ $pcm != "$(usb_noted "$side")" ]]; then
      others=$(awk -v name="$name" '$0 != name' <<<"$able" | paste -sd ' ')
      note "$side: the USB sound card $name${others:+; --usb takes another: $others}"
    fi
  done
}

tell_no_usb() {
  if in_image; then
    note "$1: setup does not look for USB sound cards in an image; run it again on the machine itself"
  elif is_for_one_side; then
    note "$1: no USB sound card found; plug one in and run setup again"
  else
    note "no USB sound card records and plays: plug one in, or name a board with --hat, and run setup again"
  fi
}

is_for_one_side() { has_sound_board || [[ $usb || $(usb_noted microphone)$(usb_noted speaker) ]]; }

# choose_usb: ask which card if several are suitable; refuse an unknown name.
choose_usb() {
  local side sides cards
  # The step looks again once the packages are installed.
  has_python || return 0
  mapfile -t sides < <(sides_of_usb)
  if [[ ! $usb && $asks && ${#sides[@]} != 0 && ! $(usb_noted "${sides[0]}") ]]; then
    mapfile -t cards < <(usb_cards "${sides[@]}")
    if ((${#cards[@]} > 1)); then
      printf 'Which USB sound card? One of:\n  %s\nJust Enter: %s. ' "${cards[*]}" "${cards[0]}"
      read -r usb || printf '\n'
    fi
  fi
  [[ $usb ]] || return 0
  ((${#sides[@]})) || give_up "this board has a microphone and a speaker: leave --usb out"
  mapfile -t cards < <(for side in "${sides[@]}"; do usb_cards "$side"; done | sort -u)
  ((${#cards[@]})) || give_up "there is no USB sound card $usb. Plug it in and run setup again."
  [[ " ${cards[*]} " == *" $usb "* ]] ||
    give_up "there is no suitable USB sound card $usb. Run setup again with one of: ${cards[*]}"
}

# usb_news [ALL]: print the sides whose USB sound card has changed, each with its PCM; with ALL every side that has one.
usb_news() {
  local side sides pcm
  mapfile -t sides < <(sides_of_usb)
  for side in "${sides[@]}"; do
    pcm=$(usb_pcm "$side" "${sides[@]}")
    [[ ! $pcm || (! ${1:-} && $pcm == "$(usb_noted "$side")") ]] || printf '%s %s\n' "$side" "$pcm"
  done
}

# Somebody who configured another device had a reason.
usb_settings() {
  local side pcm
  while read -r side pcm; do
    printf '[%s]\ndevice = "%s"\n' "$side" "${names_of_alsa[$side]}" >"$scratch/usb.toml"
    put_settings "$scratch/usb.toml" default
    [[ $(usb_noted "$side") == "$pcm" ]] || remember "usb $side $pcm"
  done <"$scratch/usb.txt"
}

# The shipped names, each with its card: the board's, or the USB one.
alsa_snippet() {
  local card='' side sides pcms=() name
  name=$(hat_wanted)
  mapfile -t sides < <(sides_of_usb)
  [[ ! $name ]] || card=$(board "$name" card)
  for side in microphone speaker; do
    if [[ " ${sides[*]} " == *" $side "* ]]; then
      pcms+=("$(usb_pcm "$side" "${sides[@]}")")
    else
      pcms+=("${card:+hw:CARD=$card}")
    fi
  done
  awk -v microphone="${pcms[0]:-sysdefault}" -v speaker="${pcms[1]:-sysdefault}" '
    /^pcm\./ { card = /edgevoice_mic/ ? microphone : speaker }
    { sub(/"sysdefault"/, "\"" card "\""); print }' "$checkout/alsa/99-edgevoice.conf"
}
