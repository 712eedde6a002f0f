# shellcheck shell=bash
# The key in scripts/setup: asks for it, checks it, and stores it where only the service can read it.
# shellcheck disable=SC2154,SC2034  # as in _pi.sh; and what `step` reads is set here

readonly a_key='one word of ASCII without quotes, of 16384 characters at most'

# --- 7: key -----------------------------------------------------------------------------------------------------------

# choose_key: take the given key, or ask for it; refuse what is not a key or what the service refuses, without showing it.
choose_key() {
  local from=EDGEVOICE_API_KEY given=${EDGEVOICE_API_KEY:-}
  # Child processes do not need it.
  unset EDGEVOICE_API_KEY
  if [[ $key_file ]]; then
    from="the key file $key_file"
    [[ -r $key_file ]] || give_up "$from cannot be read. Name another with --key-file."
    [[ ! -d $key_file ]] || give_up "$from does not contain a key: it is a folder. Name another with --key-file."
    # Bash strings cannot contain NUL: it becomes a character that no key has.
    given=$(head -c 65536 -- "$key_file" | tr '\0' '\1') || give_up "$from cannot be read. Name another with --key-file."
    [[ $given ]] || given=' '
  elif [[ -z $given && $asks && ! -e $key_encrypted && ! -e $key_plain ]]; then
    ask_key
    return
  fi
  [[ $given ]] || return 0
  key=$(trimmed "$given")
  [[ $key ]] || give_up "$from does not contain a key. Give one, or leave the option out."
  is_key "$key" || give_up "$from does not contain a key: a key is $a_key. Copy it again."
  ! is_refused || give_up "the service refused the key from $from. Copy it again from the portal, unchanged."
}

# ask_key: ask until the answer is a key that the service accepts, or empty.
ask_key() {
  local given=''
  printf 'The key of your account at the service (not shown; just Enter for none: the box then answers on its own): '
  while
    given=''
    read -rs given || true
    printf '\n'
    key=$(trimmed "$given")
    [[ $key ]]
  do
    if ! is_key "$key"; then
      printf 'That is not a key: a key is %s. Try again (just Enter for none): ' "$a_key"
    elif is_refused; then
      printf 'The service refused this key. Copy it again from the portal, unchanged (just Enter for none): '
    else
      return 0
    fi
  done
}

# is_refused: whether the service refuses this key. Without a network or Python the check is left to the examination at
# the end. Only the default service is asked.
is_refused() {
  local verdict
  [[ ! $is_dry && ! -e $settings_file ]] && has_python || return 1
  # Through a pipe: everybody could see an argument.
  verdict=$(printf '%s' "$key" | timeout 15 /usr/bin/python3 -I -B "$checkout/scripts/_key.py" \
    "$checkout/edgevoice/realtime/endpoint.py" 2>/dev/null) || true
  [[ $verdict != taken ]] || printf 'setup: the service accepts the key\n' >&2
  [[ $verdict == refused ]]
}

trimmed() {
  local text=${1#"${1%%[! $'\t\r\n']*}"}
  printf '%s' "${text%"${text##*[! $'\t\r\n']}"}"
}

is_key() {
  local LC_ALL=C
  [[ $1 =~ ^[!-~]+$ && ! $1 =~ ^[\"\']|[\"\']$ ]] && ((${#1} <= 16384))
}

store_key() {
  if [[ ! $key ]]; then
    [[ -e $key_encrypted || -e $key_plain ]] || note "none: the box answers on its own, with the little that it knows"
    return 0
  fi
  is_key "$key" || fail "what was given is not a key"
  [[ $(stored_key) != "$key" ]] || return 0
  if can_encrypt && { [[ $is_dry ]] || is_encrypted; }; then
    change "store the key, encrypted for this machine" store_encrypted
  else
    change "store the key, readable only by root, in $key_plain" write_key
  fi
}

# A key bound to a machine must be encrypted on it, not in an image for several machines.
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

# Into our own folder first. The command may exist and still fail: a read-only /var, an older kernel.
is_encrypted() {
  # Through a pipe: everybody could see an argument.
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
