# shellcheck shell=bash
# The sound in scripts/setup: the board on the Pi, the USB sound card, and ALSA's names, which lead to them.
# shellcheck disable=SC2154  # as in _pi.sh

usb=${usb:-} # --usb: the USB sound card to take, by ALSA's name for it
declare -Ar names_of_alsa=([microphone]=edgevoice_mic [speaker]=edgevoice_dac)

# --- 5: sound board ---------------------------------------------------------------------------------------------------

# board [NAME overlay|card|driver|usb|settings]: print what is known of a board; without a name, the names, one a line.
# Needs nothing that is not installed yet.
board() {
  # Of a dry run the packages bring none, so it says nothing of a board.
  [[ ! $is_dry ]] || has_python || return 0
  /usr/bin/python3 -I -B "$checkout/edgevoice/panel/boards.py" "$@"
}

# needs_overlay NAME: whether the firmware has to switch this board on. As board_names.
needs_overlay() {
  awk -v name="    name=\"$1\"," '/^[A-Z_0-9]+ = / { inside = 0 } $0 == name { inside = 1 }
    inside && /overlay=/ { found = 1 } END { exit !found }' "$checkout/edgevoice/panel/boards.py"
}

# boot_configuration: print where this Pi's firmware is configured; fails where there is no such file.
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

# The Debian packages bring it; most systems have it already. python3-minimal has a part of its library only.
has_python() {
  [[ ${is_python_whole:-} ]] && return
  /usr/bin/python3 -I -c 'import dataclasses, http.client, json, ssl, tomllib' 2>/dev/null && is_python_whole=yes
}

# Without Python, by how they are written there.
board_names() {
  if has_python; then board; else sed -n 's/^    name="\(.*\)",$/\1/p' "$checkout/edgevoice/panel/boards.py"; fi
}

# choose_hat: ask which, if nobody has said it; refuse a name that there is not.
choose_hat() {
  local names
  names=$(board_names | paste -sd ' ')
  if [[ -z $hat && $asks && -z $(hat_now) ]] && boot_configuration >/dev/null; then
    printf 'Which sound board is plugged onto the Pi? One of:\n  %s\n' "$names"
    while
      printf 'Enter alone: none, or a USB one. '
      # Ctrl-D is an Enter alone.
      read -r hat || printf '\n'
      [[ $hat && " $names none " != *" $hat "* ]]
    do
      printf 'There is no board %s. ' "$hat"
    done
  fi
  [[ -z $hat || " $names none " == *" $hat "* ]] ||
    give_up "there is no board $hat. Start this again with one of: $names; or none"
  # At once, and not in the middle.
  [[ -z $hat || $hat == none ]] || boot_configuration >/dev/null || ! needs_overlay "$hat" ||
    give_up "this machine has no boot configuration of a Raspberry Pi, so $hat cannot be switched on. Leave --hat away."
}

# The board that the Pi is to have.
hat_wanted() { [[ $hat == none ]] || printf '%s\n' "${hat:-$(hat_now)}"; }

# The board that was chosen last.
hat_now() { sed -n 's/^board //p' "$notes" 2>/dev/null | tail -n 1; }

sound_board() {
  local file driver overlay=''
  tell_usb
  [[ $hat ]] || return 0
  driver=$(driver_wanted)
  [[ ! $driver ]] || note "$hat needs more than this script brings: $driver. Without that it stays silent."
  [[ $hat == none ]] || overlay=$(board "$hat" overlay)
  if ! file=$(boot_configuration); then
    [[ ! $overlay ]] ||
      fail "this machine has no boot configuration of a Raspberry Pi" "Leave --hat away: $hat cannot be switched on here."
    return 0
  fi
  if [[ ! $overlay ]]; then
    switch_off "$file"
    return
  fi
  { without_block "$file" && block "$overlay"; } >"$scratch/config.txt"
  cmp --silent -- "$scratch/config.txt" "$file" && return
  has_block "$file" || change "keep $file as it was" cp -- "$file" "$file.before-edgevoice"
  change "switch on $hat in $file" replace_content "$scratch/config.txt" "$file"
  restart_is_due
}

# What the board needs that nobody but its owner can bring.
driver_wanted() {
  local name
  name=$(hat_wanted)
  [[ ! $name ]] || board "$name" driver
}

restart_is_due() { [[ $is_dry ]] || install -D -m 644 /dev/null "$reboot_due"; }

# block OVERLAY: a section of its own: the file may end in one that is for other models.
block() { printf '%s %s\n[all]\n%s\n%s\n' "$block_begins" "$hat" "$1" "$block_ends"; }

# shellcheck disable=SC1003  # the backslash is for sed
# The file, every line of it with an end, so that ours begin on a line of their own.
with_ends() { sed -e '$a\' -- "$1"; }

without_block() { with_ends "$1" | sed -e "/^$block_begins /,/^$block_ends\$/d"; }

has_block() { grep -q "^$block_begins " "$1"; }

# switch_off FILE: have none of our lines in it. Where that is its first state but for the end of a line, that one.
switch_off() {
  local before=$1.before-edgevoice
  has_block "$1" || return 0
  without_block "$1" >"$scratch/config.txt"
  if [[ -f $before ]] && cmp --silent -- <(with_ends "$before") "$scratch/config.txt"; then
    cp -- "$before" "$scratch/config.txt"
  fi
  change "switch the board off in $1" replace_content "$scratch/config.txt" "$1"
  restart_is_due
}

# The boot partition is FAT: a new file beside the old one, then one rename, is as safe as it gets.
replace_content() {
  cp -- "$1" "$2.new"
  sync -- "$2.new"
  mv -f -- "$2.new" "$2"
}

# put_settings FILE [OLD]: have the values of FILE, as `board NAME settings` prints them, in the settings; with OLD only
# where that stands now, or nothing.
put_settings() { /usr/bin/python3 -I -B "$checkout/scripts/_settings.py" "$settings_file" "$@"; }

# The board's pins, and the names of the snippet: a board's card takes one rate and format only.
board_settings() {
  local name
  name=$(hat_wanted)
  board "$name" settings >"$scratch/board.toml"
  put_settings "$scratch/board.toml"
  [[ $(hat_now) == "$name" ]] || remember "board $name"
}

# --- the USB sound card -----------------------------------------------------------------------------------------------

# The machine in which an image is made has cards of its own, and they are seen in the image.
in_image() { [[ ! $at ]] && systemd-detect-virt --quiet --chroot 2>/dev/null; }

# usb_pcms: print what the USB sound cards are good for: side, the card's name, which unlike its number stays over a
# restart, and the name of the PCM.
usb_pcms() {
  local folder name each found
  ! in_image || return 0
  for folder in "$at"/proc/asound/card[0-9]*; do
    # Of all drivers only that of USB cards tells a usbid (linux: sound/usb/proc.c).
    [[ -f $folder/usbid ]] || continue
    # Pulled out at this moment, it has none.
    name=$(cat -- "$folder/id" 2>/dev/null) || continue
    [[ $name =~ ^[A-Za-z0-9_-]+$ ]] || continue
    for each in c:microphone p:speaker; do
      # Most have one device, with pcm0c and pcm0p (linux: sound/core/pcm.c); the first that has the side will do.
      found=("$folder"/pcm*"${each%:*}")
      [[ -e ${found[0]} ]] || continue
      found=("${found[0]##*/pcm}")
      printf '%s %s hw:CARD=%s,DEV=%s\n' "${each#*:}" "$name" "$name" "${found[0]%[cp]}"
    done
  done
}

# usb_cards SIDE...: print the names of the USB sound cards that have every one of these sides.
usb_cards() { usb_pcms | awk -v sides=" $* " -v many=$# 'index(sides, " " $1 " ") && ++has[$2] == many { print $2 }'; }

# usb_noted SIDE: what that side was given last.
usb_noted() { [[ ! -e $notes ]] || sed -n "s/^usb $1 //p" "$notes" | tail -n 1; }

# is_among NAME NAMES: whether it is one of these lines.
is_among() { [[ $1 && $'\n'$2$'\n' == *$'\n'"$1"$'\n'* ]]; }

# sides_of_usb: print which of microphone and speaker a USB sound card has to be. Plain GPIO says nothing of the sound.
sides_of_usb() {
  if has_sound_board; then board "$(hat_wanted)" usb; else printf '%s\n' microphone speaker; fi
}

has_sound_board() { ! [[ $(hat_wanted) =~ ^(gpio)?$ ]]; }

card_of() { sed -E 's/^hw:CARD=(.*),DEV=.*$/\1/' <<<"$1"; }

# usb_pcm SIDE SIDES...: print the PCM for one of the sides that are wanted; nothing where there is none. The card that is
# asked for, else the one that it was, else one that has all that is wanted. A card of one side will do for a board; who
# has no board may have another sound card.
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
  # Not there today: nothing that was right is undone.
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
    note "$1: USB sound cards are not looked for in an image; start this again on the machine itself"
  elif is_for_one_side; then
    note "$1: no USB sound card for it; plug one in and start this again"
  else
    note "no USB sound card that records and plays: plug one in, or name a board with --hat, and start this again"
  fi
}

is_for_one_side() { has_sound_board || [[ $usb || $(usb_noted microphone)$(usb_noted speaker) ]]; }

# choose_usb: ask which, if several would do; refuse a name that there is not.
choose_usb() {
  local side sides cards
  # The step looks again, when the packages have brought it.
  has_python || return 0
  mapfile -t sides < <(sides_of_usb)
  if [[ ! $usb && $asks && ${#sides[@]} != 0 && ! $(usb_noted "${sides[0]}") ]]; then
    mapfile -t cards < <(usb_cards "${sides[@]}")
    if ((${#cards[@]} > 1)); then
      printf 'Which USB sound card? One of:\n  %s\nEnter alone: %s. ' "${cards[*]}" "${cards[0]}"
      read -r usb || printf '\n'
    fi
  fi
  [[ $usb ]] || return 0
  ((${#sides[@]})) || give_up "this board has a microphone and a speaker: leave --usb away"
  mapfile -t cards < <(for side in "${sides[@]}"; do usb_cards "$side"; done | sort -u)
  ((${#cards[@]})) || give_up "there is no USB sound card $usb. Plug it in and start this again."
  [[ " ${cards[*]} " == *" $usb "* ]] ||
    give_up "there is no USB sound card $usb for that. Start this again with one of: ${cards[*]}"
}

# usb_news [ALL]: print the sides whose USB sound card is another than it was, each with its PCM; with ALL every side that
# has one.
usb_news() {
  local side sides pcm
  mapfile -t sides < <(sides_of_usb)
  for side in "${sides[@]}"; do
    pcm=$(usb_pcm "$side" "${sides[@]}")
    [[ ! $pcm || (! ${1:-} && $pcm == "$(usb_noted "$side")") ]] || printf '%s %s\n' "$side" "$pcm"
  done
}

# Whoever has named another device has had a reason.
usb_settings() {
  local side pcm
  while read -r side pcm; do
    printf '[%s]\ndevice = "%s"\n' "$side" "${names_of_alsa[$side]}" >"$scratch/usb.toml"
    put_settings "$scratch/usb.toml" default
    [[ $(usb_noted "$side") == "$pcm" ]] || remember "usb $side $pcm"
  done <"$scratch/usb.txt"
}

# The shipped names, each with the card that it leads to: that of the board, or the USB one.
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
