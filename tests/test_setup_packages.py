"""The packages in scripts/setup: which are missing, which setup installed, and why one could not be installed."""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.test_setup import SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

STANZA: Final = """\
Package: {name}
Status: install ok {status}
Architecture: all
Version: 1
Maintainer: nobody <nobody@example.com>
Description: {name}

"""
APT: Final = """#!/bin/bash
# Brings what is in $here/brings, in this order, one "NAME STATUS" a line; what it does after one may stand behind it.
here=$(dirname -- "$0")
echo "$*" >>"$here/calls"
case " $* " in
  *" --simulate "*install*)
    sed 's/^\\([^ ]*\\).*/Inst \\1 (1 here [all])/' "$here/brings"
    echo "Inst old [1] (2 here [all])"
    ;;
  *" --simulate "*autoremove*) sed -n 's/^Package: \\(.*\\)/Remv \\1 [1]/p' "$DPKG_ADMINDIR/status" ;;
  *" purge "*) for each; do sed -i "/^Package: $each\\$/,/^$/d" "$DPKG_ADMINDIR/status"; done ;;
  *" install "*)
    while read -r name status after; do
      [[ $status != none ]] || { echo "E: Unable to locate package $name"; exit 100; }
      sed -i "/^Package: $name\\$/,/^$/d" "$DPKG_ADMINDIR/status"
      printf '%s\\n' "Package: $name" "Status: install ok $status" "Architecture: all" "Version: 1" "Maintainer: n" \\
        "Description: n" "" >>"$DPKG_ADMINDIR/status"
      eval "$after"
    done <"$here/brings"
    ;;
esac
"""
INSTALL: Final = 'change "install one" apt_install one'
UNINSTALL: Final = 'step "packages" remove_packages ""'


class Debian(System):
    """A system whose packages are those of a status file, which dpkg-query itself reads."""

    def has(self, **packages: str) -> None:
        """Have these packages in these states."""
        stanzas = [STANZA.format(name=name.replace("_", "-"), status=status) for name, status in packages.items()]
        self.write("/var/lib/dpkg/status", "".join(stanzas))

    def apt_brings(self, *lines: str) -> None:
        self.write("/scratch/bin/brings", "".join(f"{each}\n" for each in lines))

    def names(self) -> set[str]:
        status = self.path("/var/lib/dpkg/status").read_text(encoding="utf-8")
        return {line.removeprefix("Package: ") for line in status.splitlines() if line.startswith("Package: ")}

    def noted(self) -> set[str]:
        return set(self.path("/var/lib/edgevoice.setup").read_text(encoding="utf-8").splitlines())

    def calls(self) -> list[str]:
        return self.path("/scratch/bin/calls").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    found = Debian(tmp_path)
    for name, text in (
        ("apt-get", APT),
        ("apt-mark", "#!/bin/sh\n"),
        ("dpkg", '#!/bin/sh\necho "dpkg $*" >>"${0%/*}/calls"\n'),
        ("dpkg-query", f'#!/bin/sh\necho query >>"${{0%/*}}/calls"\nexec {shutil.which("dpkg-query")} "$@"\n'),
    ):
        found.write(f"/scratch/bin/{name}", text).chmod(0o755)
    found.variables["PATH"] = f"{found.path('/scratch/bin')}:{os.environ['PATH']}"
    found.variables["DPKG_ADMINDIR"] = str(found.path("/var/lib/dpkg"))
    found.has(old="installed")
    return found


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_missing_packages_are_found_with_a_single_query(debian: Debian) -> None:
    states = ("installed", "half-installed", "unpacked", "half-configured", "config-files", "not-installed")
    debian.has(**{each.replace("-", "_"): each for each in states})

    told = well_stdout(debian.step(f"missing_packages {' '.join(states)} unknown libunknown++6"))

    assert told.split() == [*states[1:], "unknown", "libunknown++6"]
    assert debian.calls() == ["query"]
    assert well_stdout(debian.step("missing_packages installed")) == ""


def test_packages_that_apt_installs_are_recorded_and_removed_on_uninstall(debian: Debian) -> None:
    debian.apt_brings("one installed", "library installed")

    well(debian.step(INSTALL))

    assert debian.noted() == {"package one", "package library"}
    well(debian.step(UNINSTALL))
    assert debian.names() == {"old"}


def test_packages_installed_before_an_interruption_are_removed_again(debian: Debian) -> None:
    debian.apt_brings("library installed", "one unpacked kill -KILL $PPID; exit", "never installed")

    assert debian.step(INSTALL).returncode != 0

    assert debian.names() == {"old", "library", "one"}
    well(debian.step(UNINSTALL))
    assert debian.names() == {"old"}


def test_after_an_interruption_the_next_run_records_everything(debian: Debian) -> None:
    debian.apt_brings("library installed kill -KILL $PPID; exit", "one installed")
    assert debian.step(INSTALL).returncode != 0
    debian.apt_brings("one installed")

    well(debian.step(INSTALL))

    assert debian.noted() == {"package one", "package library"}
    # Else apt-get would only ask for it.
    calls = [each.split(" -y ")[-1] for each in debian.calls()]
    assert calls.index("dpkg --configure -a") < calls.index("--no-install-recommends install one")


def test_a_package_half_installed_by_a_failing_script_is_removed_again(debian: Debian) -> None:
    debian.apt_brings(
        "library installed", 'one half-configured echo "dpkg: error processing package one (--configure):"; exit 1'
    )

    ended = debian.step(INSTALL)

    assert ended.returncode == 1
    well(debian.step(UNINSTALL))
    assert debian.names() == {"old"}


def test_a_failed_package_that_the_owner_later_installs_is_kept(debian: Debian) -> None:
    debian.apt_brings("one none")
    assert debian.step(INSTALL).returncode == 1
    debian.has(old="installed", one="installed")

    well(debian.step(UNINSTALL))

    assert debian.names() == {"old", "one"}


def test_the_build_tools_of_lgpio_are_removed_even_if_that_took_two_runs(debian: Debian) -> None:
    python = debian.write("/scratch/tools/bin/python", "#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    debian.apt_brings("gcc installed")
    # Without python3-lgpio, as on Debian.
    build = 'remembering() { return 1; }; change "build lgpio" build_lgpio "$scratch/tools"'
    assert debian.step(build).returncode == 1
    assert debian.names() == {"old", "gcc"}
    python.write_text("#!/bin/sh\n")

    well(debian.step(build))

    assert debian.names() == {"old"}
    assert debian.noted() == set()


def test_packages_that_others_only_suggest_are_removed_too(debian: Debian) -> None:
    debian.apt_brings("one installed")
    well(debian.step(INSTALL))

    well(debian.step(UNINSTALL))

    asked = next(each for each in debian.calls() if "autoremove" in each)
    assert "-o APT::AutoRemove::RecommendsImportant=false" in asked
    assert "-o APT::AutoRemove::SuggestsImportant=false" in asked


@pytest.mark.parametrize("runs", [True, False], ids=["systemd", "no systemd"])
def test_dbus_stays_where_systemd_runs_and_uses_it(debian: Debian, *, runs: bool) -> None:
    debian.apt_brings("dbus installed", "one installed")
    well(debian.step(INSTALL))
    if runs:
        debian.path("/run/systemd/system").mkdir(parents=True)

    told = well(debian.step(UNINSTALL))

    assert debian.names() == ({"old", "dbus"} if runs else {"old"})
    assert ("dbus stays" in told) == runs


def test_a_folder_left_by_a_package_is_removed_if_it_was_new(debian: Debian) -> None:
    names, rules = debian.path("/etc/alsa/conf.d"), debian.path("/etc/udev/rules.d")
    rules.mkdir(parents=True)
    debian.apt_brings(f"one installed mkdir -p {names}")
    well(debian.step('missing_packages() { echo one; }; step "packages" debian_packages ""'))
    assert names.is_dir()

    well(debian.step(f"{UNINSTALL}; remove_folders"))

    assert not names.parent.exists()
    assert rules.is_dir()


# --- disk space ------------------------------------------------------------------------------------------------------

DISKS: Final = """
stat() { case ${*: -1} in /opt) echo 1 ;; *) echo "$var" ;; esac; }
df() { printf 'Avail\n  %s\n' "$(case ${*: -1} in /opt) echo "$opt_free" ;; *) echo "$var_free" ;; esac)"; }
step "this machine" check_room ""
"""


@pytest.mark.parametrize(
    ("var", "opt_free", "var_free", "complaint"),
    [
        ("1", "901", "901", ""),
        ("1", "899", "899", "only 899 MB are free for /opt"),
        ("2", "2000", "501", ""),
        ("2", "2000", "499", "only 499 MB are free for /var/cache"),
        ("2", "899", "2000", "only 899 MB are free for /opt"),
    ],
)
def test_disk_space_is_checked_wherever_something_is_written(
    system: System, var: str, opt_free: str, var_free: str, complaint: str
) -> None:
    ended = system.step(DISKS, var=var, opt_free=opt_free, var_free=var_free)

    assert ended.returncode == (1 if complaint else 0)
    assert complaint in ended.stderr


def test_the_compiler_of_the_wake_words_kernel_is_removed_again(debian: Debian) -> None:
    fails_once = '#!/bin/sh\n[ -e "$0.again" ] || { : >"$0.again"; exit 1; }\n'
    debian.write("/scratch/tools/bin/python", fails_once).chmod(0o755)
    debian.apt_brings("gcc installed")

    well(debian.step('change "compile it" compile_kernel "$scratch/tools/bin/python" compile.py'))

    assert debian.names() == {"old"}
    assert debian.noted() == set()


def test_without_a_compiler_or_a_network_the_kernel_is_no_reason_to_fail(debian: Debian) -> None:
    debian.write("/scratch/tools/bin/python", "#!/bin/sh\nexit 1\n").chmod(0o755)
    debian.apt_brings("gcc none")

    well(debian.step('change "compile it" compile_kernel "$scratch/tools/bin/python" compile.py'))
    well(debian.step('change "compile it" compile_kernel "$scratch/tools/bin/python" compile.py', wheels="/wheels"))

    assert debian.noted() == set()


def test_an_existing_compiler_is_kept(debian: Debian) -> None:
    debian.write("/scratch/tools/bin/python", "#!/bin/sh\n").chmod(0o755)
    debian.has(old="installed", gcc="installed")
    debian.apt_brings()

    well(debian.step('remembering() { return 1; }; change "build lgpio" build_lgpio "$scratch/tools"'))

    assert debian.names() == {"old", "gcc"}


# --- the cause of a failure ------------------------------------------------------------------------------------------

PIP: Final = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by
'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new
connection: [Errno {}] {}')': /six/
ERROR: Could not find a version that satisfies the requirement six==1 (from versions: none)
ERROR: No matching distribution found for six==1
"""
NETWORK: Final = "Connect the network, or bring the packages in a folder and use --offline."


@pytest.mark.parametrize(
    ("log", "cause", "remedy"),
    [
        (PIP.format(111, "Connection refused"), ": Connection refused", NETWORK),
        (PIP.format(-3, "Temporary failure in name resolution"), ": Temporary failure in name resolution", NETWORK),
        (
            "E: Failed to fetch http://a.example/b.deb  Temporary failure resolving 'a.example'\n",
            ": Temporary failure resolving 'a.example'",
            NETWORK,
        ),
        (
            # Somebody else's repository, which does not matter.
            PIP.format(-3, "Name or service not known")
            + "dpkg: error processing package one (--configure):\nE: Sub-process\n",
            ": dpkg: error processing package one",
            "the usual",
        ),
        (
            # The last line is usually nearest to the cause, but not for a full disk.
            PIP.format(-3, "Name or service not known")
            + "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device: '/opt/a'\n",
            ": No space left on device",
            "Free some space: `df -h` shows which disk is full.",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
            ": No space left on device",
            "Free some space: `df -h` shows which disk is full.",
        ),
        (
            "E: You don't have enough free space in /var/cache/apt/archives/.\n",
            ": You don't have enough free space in /var/cache/apt/archives/.",
            "Free some space: `df -h` shows which disk is full.",
        ),
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 712 (unattended-upgr)\nE\n",
            ": Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 712 (unattended-upgr)",
            "Wait until that process has ended: Debian sometimes updates itself.",
        ),
        ("something else\n", "", "the usual"),
    ],
    ids=[
        "refused",
        "no name for pip",
        "no name for apt",
        "a script of a package",
        "disk and network",
        "disk",
        "apt's disk",
        "apt's lock",
        "anything",
    ],
)
def test_a_failures_cause_is_one_line_with_its_remedy(system: System, log: str, cause: str, remedy: str) -> None:
    written = system.write("/scratch/told", log)

    work = f"work() {{ cat '{written}'; false; }}; broken() {{ change 'fetch it' work; }}"
    ended = system.step(f"{work}; step 'program' broken 'the usual'")

    assert ended.stderr.splitlines()[-2:] == [
        f"      this failed: fetch it{cause}",
        f"setup: step 1, program, failed. {remedy} Then run setup again: it continues from here.",
    ]
