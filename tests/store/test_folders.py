"""Where files are kept, even on a machine that offers the box no folder for them."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from subprocess import PIPE

import pytest

from edgevoice.errors import StorageUnavailable
from edgevoice.store import folders
from edgevoice.store.folders import (
    cache_folder,
    config_folder,
    hold_scratch,
    make_scratch,
    runtime_folder,
    scratch_folder,
    state_folder,
)

HOME = {"HOME": "/home/me"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/edgevoice"}, "/var/lib/edgevoice"),
        ({"STATE_DIRECTORY": "/var/lib/edgevoice:/var/lib/other"}, "/var/lib/edgevoice"),
        ({"XDG_STATE_HOME": "/home/me/state"}, "/home/me/state/edgevoice"),
        ({"STATE_DIRECTORY": "", "XDG_STATE_HOME": "", **HOME}, "/home/me/.local/state/edgevoice"),
        ({"XDG_STATE_HOME": "relative", **HOME}, "/home/me/.local/state/edgevoice"),
        (HOME, "/home/me/.local/state/edgevoice"),
    ],
)
def test_state_is_kept_where_systemd_says_or_in_the_users_own_folder(
    environment: dict[str, str], expected: str
) -> None:
    assert state_folder(environment) == Path(expected)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CACHE_DIRECTORY": "/var/cache/edgevoice:/var/cache/other"}, "/var/cache/edgevoice"),
        ({"XDG_CACHE_HOME": "/home/me/kept"}, "/home/me/kept/edgevoice"),
        ({"XDG_CACHE_HOME": "relative", **HOME}, "/home/me/.cache/edgevoice"),
        (HOME, "/home/me/.cache/edgevoice"),
    ],
)
def test_the_cache_folder_follows_the_systems_conventions(environment: dict[str, str], expected: str) -> None:
    assert cache_folder(environment) == Path(expected)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CONFIG_HOME": "/home/me/settings"}, "/home/me/settings/edgevoice"),
        ({"XDG_CONFIG_HOME": "relative", **HOME}, "/home/me/.config/edgevoice"),
        ({"XDG_CONFIG_HOME": "relative"}, None),
        ({"HOME": ""}, None),
        (HOME, "/home/me/.config/edgevoice"),
    ],
)
def test_settings_are_in_the_users_config_folder_and_nowhere_without_a_home(
    environment: dict[str, str], expected: str | None
) -> None:
    assert config_folder(environment) == (Path(expected) if expected else None)


def test_without_home_the_user_database_is_asked() -> None:
    home = Path("~").expanduser()

    assert cache_folder({}) == home / ".cache" / "edgevoice"
    assert state_folder({"HOME": ""}) == home / ".local" / "state" / "edgevoice"


def test_a_user_without_a_home_keeps_no_files_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    # What `expanduser` returns without HOME for a user id that is not in the user database.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)

    assert cache_folder({}) == Path("/dev/null/no-home/.cache/edgevoice")
    assert state_folder({"HOME": "not/absolute"}) == Path("/dev/null/no-home/.local/state/edgevoice")
    assert not state_folder({}).exists()
    with pytest.raises(OSError, match="Not a directory"):
        state_folder({}).mkdir(parents=True)


def test_a_scratch_folder_is_private_and_removed_with_its_context() -> None:
    with scratch_folder("edgevoice-test-") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_is_in_use_stays(tmp_path: Path) -> None:
    program = f"""
import sys
from edgevoice.store.folders import hold_scratch
held = hold_scratch("edgevoice-test-", first={str(tmp_path)!r})
(held.path / "file").touch()
print(held.path, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE, text=True) as killed:
        assert killed.stdout is not None
        left = Path(killed.stdout.readline().strip())
        killed.kill()
    in_use = hold_scratch("edgevoice-test-", first=str(tmp_path), spare=lambda _: True)
    others = tmp_path / "somebody-elses"
    others.mkdir()
    (tmp_path / "edgevoice-test-link").symlink_to(others)
    assert left.exists()

    held = hold_scratch("edgevoice-test-", first=str(tmp_path))

    assert not left.exists()
    assert in_use.path.exists()
    assert others.exists()
    for each in (held, in_use):
        each.remove()
        assert not each.path.exists()


def no_temporary_folder() -> str:
    raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")


def test_without_a_usable_temporary_folder_files_are_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    with scratch_folder("edgevoice-test-") as folder:
        assert folder.parent == folders.MEMORY


def test_the_preferred_folder_is_used_when_it_is_usable(tmp_path: Path) -> None:
    assert make_scratch("x-", first=str(tmp_path)).parent == tmp_path

    instead = make_scratch("edgevoice-test-", first="/nonexistent")
    assert instead.parent == Path(tempfile.gettempdir())
    instead.rmdir()


def test_without_any_usable_folder_the_error_is_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    monkeypatch.setattr(folders, "MEMORY", Path("/nonexistent"))

    with pytest.raises(StorageUnavailable, match="no temporary folder can be made in /nonexistent: No such") as refused:
        make_scratch("x-")
    assert "df -h" in refused.value.line()
    assert "\n" not in refused.value.line()


def test_a_temporary_folders_name_shows_that_it_is_ours(tmp_path: Path) -> None:
    assert make_scratch("edgevoice-test-", first=str(tmp_path)).name.startswith("edgevoice-test-")
    with scratch_folder("edgevoice-test-") as folder:
        assert folder.name.startswith("edgevoice-test-")
        folder.rmdir()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"RUNTIME_DIRECTORY": "/run/edgevoice:/run/other", "XDG_RUNTIME_DIR": "/run/user/7"}, "/run/edgevoice"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/edgevoice"),
        ({"XDG_RUNTIME_DIR": "relative", **HOME}, None),
        (HOME, None),
    ],
)
def test_sockets_are_in_a_runtime_folder_or_nowhere(environment: dict[str, str], expected: str | None) -> None:
    assert runtime_folder(environment) == (Path(expected) if expected else None)
