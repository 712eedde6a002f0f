# shellcheck shell=bash
# How scripts/setup reports its steps: what is done, the progress, why it failed, and that it was interrupted.
# shellcheck disable=SC2154,SC2034  # as in _pi.sh

# What pip and apt-get say if they cannot reach the packages.
readonly without_network="Temporary failure (in name resolution|resolving '[^']*')|Could not resolve '[^']*'|\
Name or service not known|No address associated with hostname|Network is unreachable|No route to host|\
[Cc]onnection (refused|timed out|reset by peer)|[Tt]unnel connection failed[^')]*|Read timed out|\
Connection to [^ ]+ timed out"
readonly full_disk="No space left on device|Disk quota exceeded|You don't have enough free space in [^ ]+"
readonly wrong_clock="Release file for [^ ]+ is (not valid yet|expired)|certificate is not yet valid|certificate has expired"
readonly apt_is_busy="Could not get lock [^ ]+\. It is held by process [^.]*"
tick_s=${tick_s:-} # how often progress is shown; on a terminal it replaces the line before it
[[ $tick_s ]] || { [[ -t 2 ]] && tick_s=1; } || tick_s=15

say() { printf 'setup: %s\n' "$*" >&2; }

give_up() {
  say "$*"
  exit 1
}

# sweep: remove what killed runs of setup have left. Under the lock: no other setup is running.
sweep() {
  local each
  for each in "$TMPDIR"/edgevoice-setup.*; do
    [[ ! -d $each || -L $each || ! -O $each ]] || rm -rf -- "$each"
  done
}

# --- interruptions ----------------------------------------------------------------------------------------------------

# Bash runs a trap only after the command that it waits for has ended, and dpkg may take half a minute. So every long
# command has a watcher beside it, which prints the line at once; otherwise it is printed here.
interrupted() {
  trap '' INT TERM
  say_interrupted ''
  exit 130
}
trap interrupted INT TERM

# say_interrupted WORDS: print it once, from whichever process comes first.
say_interrupted() {
  [[ ! -d ${scratch:-} ]] || mkdir -- "$scratch/interrupted" 2>/dev/null || return 0
  say "interrupted${number:+ in step $number, $doing}$1. Run setup again: it continues from here."
}

# In a subshell, which has no traps: end it, and with it the following commands, although the interrupted one may fail.
interruptible() { trap 'exit 130' INT TERM; }

# watch_over FUNCTION: beside a running command, report an interruption at once and show progress, until its input ends.
watch_over() {
  local began=$SECONDS before='' whole='' code
  # dpkg also receives the terminal's interrupt, and finishes first.
  [[ $1 != apt_* && $1 != *_lgpio ]] || whole='; dpkg ends what it has begun'
  # If the folder is gone, setup has ended and has reported it.
  trap 'clear_line; [[ ! -d $scratch ]] || say_interrupted "$whole"; exit' INT TERM
  echo listening
  # Among waiting commands, `wait` and `read` let a trap run at once. A status above 128 is the timeout.
  while code=0 && { read -rt "$tick_s" || code=$?; } && ((code > 128)); do
    show "$(progress)"
  done
  clear_line
}

clear_line() { [[ ! -t 2 ]] || printf '\r\033[K' >&2; }

show() {
  local told="${1:+$1, }$((SECONDS - began)) s"
  if [[ -t 2 ]]; then
    printf '\r\033[K        %.70s' "$told" >&2
  elif [[ $told != "$before" ]]; then
    printf '        %s\n' "$told" >&2
    before=$told
  fi
}

# progress: print the progress of apt-get or pip, read from their output.
progress() {
  local of found all
  # dlstatus:NUMBER:PERCENT:TEXT (apt: doc/progress-reporting.md)
  if [[ -s $scratch/apt-status ]]; then
    IFS=: read -r of _ found all < <(tail -n 1 -- "$scratch/apt-status")
    printf '%s %.0f %%: %s' "$([[ $of == dlstatus ]] && echo fetched || echo installed)" "${found:-0}" "$all"
  elif found=$(grep -oE '^ *(Downloading|Using cached) [^ ]+ \([^)]*\)' "$scratch/log" 2>/dev/null | tail -n 1) && [[ $found ]]; then
    all=$(cat -- "$scratch/packages" 2>/dev/null || true)
    if grep -q '^Installing collected packages' "$scratch/log"; then
      found=$(compgen -G "$prefix/lib/python3*/site-packages/*.dist-info" | wc -l)
      printf 'installed %d%s packages' "$found" "${all:+ of $all}"
    else
      printf 'fetched %d%s packages: %s' "$(grep -cE '^ *(Downloading|Using cached) ' "$scratch/log")" "${all:+ of $all}" \
        "$(sed -E 's/^ *[A-Za-z ]+ ([^-]*)-[^ ]* (\(.*\))$/\1 \2/' <<<"$found")"
    fi
  fi
}

# --- steps ------------------------------------------------------------------------------------------------------------

# fail CAUSE [REMEDY]: end the running step.
fail() {
  # The first report is closest to the cause.
  [[ -s $scratch/cause ]] || printf '%s' "$1" >"$scratch/cause"
  [[ -z ${2:-} || -s $scratch/remedy ]] || printf '%s' "$2" >"$scratch/remedy"
  exit 1
}

# note TEXT: print a line about the running step.
note() {
  : >"$scratch/step-told"
  printf '      %s\n' "$*" >&2
}

# step TITLE FUNCTION REMEDY: run a step; if it fails, end with its name, the cause and the remedy.
step() {
  local title=$1 function=$2 remedy=$3 began=$SECONDS code told
  number=$((${number:-0} + 1)) doing=$title
  printf '[%2d/%d] %s\n' "$number" "$steps" "$title" >&2
  rm -f -- "$scratch"/{cause,remedy,log,step-changed,step-told}
  # A subshell of its own, because the left side of `||` would switch `set -e` off inside the function.
  set +e
  (interruptible && set -e && "$function")
  code=$?
  set -e
  if ((code != 0)); then
    # Some of these lines are long: a URL, or an endless progress bar.
    [[ ! -s $scratch/log ]] || tail -n 20 -- "$scratch/log" | tr '\r' '\n' | tail -n 20 | cut -c 1-240 >&2
    if [[ -s $scratch/cause ]]; then
      note "$(<"$scratch/cause")"
      [[ ! -s $scratch/remedy ]] || remedy=$(<"$scratch/remedy")
    elif told=$(full_places) && [[ $told ]]; then
      # In that case the cause could not be written either.
      note "no space is left on $told"
      remedy="Free some space: \`df -h\` shows which disk is full."
    fi
    give_up "step $number, $title, failed. $remedy Then run setup again: it continues from here."
  fi
  if [[ ! -e $scratch/step-told ]]; then
    note "as it should be"
  elif [[ -e $scratch/step-changed && -z $is_dry ]]; then
    note "done, $((SECONDS - began)) s"
  fi
}

# change WHAT COMMAND...: do it quietly and report it; with --dry-run only report it.
change() {
  local what=$1 code running ready
  shift
  : >"$scratch/step-changed"
  if [[ $is_dry ]]; then
    note "would $what"
    return
  fi
  note "$what"
  : >"$scratch/changed"
  rm -f -- "$scratch"/{apt-status,packages}
  # A pipe that ends the watcher when its other end is closed: a signal may be ignored or come too early, and its sender
  # may have been killed. The pipe has no name, since there may be no disk space for one.
  exec {running}<> <(:)
  # It reports when it is ready, because an interruption may come at any time.
  exec {ready}< <(exec <"/dev/fd/$running" {running}>&- && watch_over "$1")
  read -r -u "$ready" || true
  # As in `step`: followed by `||`, a function would continue after its first failure.
  set +e
  (exec {running}>&- {ready}<&- && interruptible && set -e && "$@") </dev/null >"$scratch/log" 2>&1
  code=$?
  exec {running}>&-
  # Wait for its end: it may be about to print something.
  read -r -u "$ready"
  exec {ready}<&-
  set -e
  ((code == 0)) || failed "$what"
}

# failed WHAT: end the step with the cause from its log, in one line. The most reliable signs come first: an unrelated
# repository that cannot be reached is also in the log, but does not matter.
failed() {
  local told
  if told=$(told_by_log "$full_disk"); then
    fail "this failed: $1: $told" "Free some space: \`df -h\` shows which disk is full."
  elif told=$(told_by_log "$apt_is_busy"); then
    fail "this failed: $1: $told" "Wait until that process has ended: Debian sometimes updates itself."
  elif told=$(told_by_log 'dpkg: error processing (package|archive) [^ ]+|[A-Z ]*DO NOT MATCH THE HASHES[^.]*'); then
    fail "this failed: $1: $told"
  elif told=$(told_by_log "$wrong_clock"); then
    fail "this failed: $1: $told" "The clock says $(date '+%F %R'); if that is wrong, set it (\`timedatectl\`)."
  elif told=$(told_by_log "$without_network|CERTIFICATE_VERIFY_FAILED\][^('\"]*"); then
    fail "this failed: $1: $told" "Connect the network, or bring the packages in a folder and use --offline."
  else
    fail "this failed: $1"
  fi
}

told_by_log() { grep -oE -- "$1" "$scratch/log" 2>/dev/null | tail -n 1; }

full_places() {
  df --output=avail,target -k -- / "$scratch" /var /opt 2>/dev/null | awk 'NR > 1 && $1 < 1024 { print $2 }' | sort -u | paste -sd ' '
}
