"""The page is switched on as the settings say, and off again."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgevoice.page.enabling import SOCKET, disable, enable, systemctl
from edgevoice.page.listening import PageUnavailable
from edgevoice.settings.page import PageSettings


class Ran:
    """Keeps the commands that would be run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, command: Sequence[str]) -> None:
        self.lines.append(" ".join(command))


def drop_in(units: Path) -> Path:
    return units / f"{SOCKET}.d" / "10-page.conf"


def test_by_default_the_unit_as_it_ships_is_enabled(tmp_path: Path) -> None:
    ran = Ran()

    enable(PageSettings(), ran, tmp_path)

    assert ran.lines[0] == "systemctl daemon-reload"
    assert ran.lines[-1] == f"systemctl enable --now {SOCKET}"
    assert not drop_in(tmp_path).exists()


def test_the_network_is_let_in_only_by_the_setting_and_locked_out_again(tmp_path: Path) -> None:
    enable(PageSettings(lan=True), Ran(), tmp_path)
    lines = drop_in(tmp_path).read_text().splitlines()
    # The empty one first: else the unit's own addresses would stay.
    assert lines[1:] == ["[Socket]", "ListenStream=", "ListenStream=0.0.0.0:8480", "ListenStream=[::]:8480"]

    enable(PageSettings(port=9000), Ran(), tmp_path)
    assert drop_in(tmp_path).read_text().splitlines()[3:] == ["ListenStream=127.0.0.1:9000", "ListenStream=[::1]:9000"]

    enable(PageSettings(), Ran(), tmp_path)
    assert not drop_in(tmp_path).exists()


def test_what_it_writes_survives_a_power_cut_and_everybody_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))

    enable(PageSettings(lan=True), Ran(), tmp_path)

    assert synced[1:] == [drop_in(tmp_path).parent]
    assert drop_in(tmp_path).stat().st_mode & 0o777 == 0o644


def test_without_the_rights_it_says_to_use_sudo(tmp_path: Path) -> None:
    (tmp_path / f"{SOCKET}.d").write_text("a file in the way")

    with pytest.raises(PageUnavailable) as refused:
        enable(PageSettings(lan=True), Ran(), tmp_path)

    assert refused.value.remedy == "Use sudo."


def test_switching_it_off_ends_what_runs() -> None:
    ran = Ran()

    disable(ran)

    assert ran.lines == [f"systemctl disable --now {SOCKET}", "systemctl stop edgevoice-page.service"]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["/nonexistent/systemctl"], "cannot be run"),
        (["sh", "-c", "echo no such unit >&2; exit 5"], "no such unit"),
        (["sh", "-c", "exit 5"], "status 5"),
    ],
)
def test_what_systemd_refuses_is_one_line(command: list[str], problem: str) -> None:
    with pytest.raises(PageUnavailable, match=problem):
        systemctl(command)


def test_what_systemd_does_is_not_spoken_of() -> None:
    systemctl(["true"])
