"""Who may open, keep and use the control socket."""

import errno
import os
import socket
import stat
import struct
from pathlib import Path

import pytest

from edgevoice.errors import ControlUnavailable
from edgevoice.integrations.control import peers
from edgevoice.integrations.control.peers import is_welcome, open_socket


def test_a_box_of_a_user_is_for_that_user_alone(tmp_path: Path) -> None:
    place = tmp_path / "run" / "control.sock"

    with open_socket(place, group=None):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_the_service_lets_its_group_in(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"

    with open_socket(place, group=os.getegid()):
        assert stat.S_IMODE(place.stat().st_mode) == 0o660
        assert place.stat().st_gid == os.getegid()


def test_the_service_needs_no_call_that_its_unit_forbids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # SystemCallFilter=~@privileged refuses to change owners, even to what they are.
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refused)
    place = tmp_path / "control.sock"

    with open_socket(place, group=os.getegid()):
        assert place.stat().st_gid == os.getegid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to any group")
def test_a_group_other_than_our_own_is_given_the_socket(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"

    with open_socket(place, group=54_321):
        assert place.stat().st_gid == 54_321


def test_a_socket_that_a_killed_box_left_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"
    open_socket(place, group=None).close()
    assert place.exists()

    with open_socket(place, group=None), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))


def test_the_socket_of_a_box_that_runs_is_left_to_it(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"
    with open_socket(place, group=None):
        with pytest.raises(ControlUnavailable, match="another box of this user"):
            open_socket(place, group=None)
        assert place.exists()


def test_a_socket_whose_box_is_busy_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "control.sock"
    monkeypatch.setattr(peers, "_WAITING", 0)
    with open_socket(place, group=None), socket.socket(socket.AF_UNIX) as first:
        first.connect(str(place))
        with pytest.raises(ControlUnavailable, match="another box of this user"):
            open_socket(place, group=None)


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ControlUnavailable, match=r"control\.sock cannot be opened: ") as refused:
        open_socket(tmp_path / "file" / "control.sock", group=None)

    assert "folder" in refused.value.remedy


class Peer:
    """The other end of a connection, as the kernel describes it."""

    def __init__(self, user: int, primary: int, groups: tuple[int, ...] | None = ()) -> None:
        self._credentials = struct.pack("3i", 1, user, primary)
        self._groups = groups

    def getsockopt(self, _level: int, option: int, _size: int) -> bytes:
        if option == socket.SO_PEERCRED:
            return self._credentials
        if self._groups is None:
            raise OSError
        return struct.pack(f"{len(self._groups)}I", *self._groups)


@pytest.mark.parametrize(
    ("peer", "is_expected"),
    [
        (Peer(0, 0), True),
        (Peer(os.geteuid(), 7), True),
        (Peer(70_000, 990), True),
        (Peer(70_000, 7, (4, 990)), True),
        (Peer(70_000, 7, (4, 5)), False),
        (Peer(70_000, 7, None), False),
    ],
)
def test_root_the_owner_and_the_group_are_welcome(peer: Peer, *, is_expected: bool) -> None:
    assert is_welcome(peer, group=990) is is_expected  # type: ignore[arg-type]  # as much of a socket as is used


def test_without_a_group_nobody_else_is_welcome() -> None:
    assert not is_welcome(Peer(70_000, 990, (990,)), group=None)  # type: ignore[arg-type]  # as above


def test_our_own_process_is_welcome_by_the_kernels_word() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert is_welcome(one, group=None)
        assert sorted(peers._groups(one)) == sorted(os.getgroups())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can join any group")
def test_the_kernel_names_every_group_of_the_other_process() -> None:
    before = os.getgroups()
    os.setgroups([54_321, 54_322])
    try:
        one, other = socket.socketpair()
    finally:
        os.setgroups(before)

    with one, other:
        assert peers._groups(one) == (54_321, 54_322)
