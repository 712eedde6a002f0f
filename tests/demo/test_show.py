"""The demonstration's folder: it must never cost anybody a file."""

from pathlib import Path

import numpy as np
import pytest

from edgevoice.demo.show import DemoFolderRefused, _own_folder
from edgevoice.errors import VirtualCardUnavailable
from edgevoice.stage import talker


def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "precious.txt").write_text("keep me")

    with pytest.raises(DemoFolderRefused, match="is not empty"):
        _own_folder(tmp_path)

    assert (tmp_path / "service" / "precious.txt").read_text() == "keep me"


def test_a_folder_of_an_earlier_demonstration_is_used_again(tmp_path: Path) -> None:
    own = _own_folder(tmp_path / "demo")
    (own / "card").mkdir()
    (own / "conversation.wav").touch()

    assert _own_folder(own) == own
    assert not (own / "card").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DemoFolderRefused, match="cannot be used"):
        _own_folder(tmp_path / "file")


def test_a_cache_that_cannot_be_written_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(VirtualCardUnavailable, match="cannot be written") as refused:
        talker._keep(tmp_path / "file" / "words.npy", np.zeros(4, np.int16))

    assert "XDG_CACHE_HOME" in refused.value.remedy
