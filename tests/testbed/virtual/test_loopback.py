"""The loopback without a program that captures it: what it is given, and its configuration."""

from pathlib import Path

import numpy as np
import pytest

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.testbed.virtual import MicrophoneFull, VirtualCard
from edgevoice.testbed.virtual.loopback import LOOPBACK, Loopback
from edgevoice.testbed.virtual.room import ROOM_RATE_HZ


def test_sound_that_does_not_fit_is_refused_whole(tmp_path: Path) -> None:
    with VirtualCard(tmp_path) as card, Loopback(card.folder) as loopback:
        for _ in range(32):
            loopback.play(np.ones(ROOM_RATE_HZ, np.int16))

        with pytest.raises(MicrophoneFull):
            loopback.play(np.ones(ROOM_RATE_HZ, np.int16))


def test_one_after_the_other_may_be_in_a_folder_of_any_name(tmp_path: Path) -> None:
    with VirtualCard(tmp_path / 'the "card"') as card:
        for loopback in (Loopback(card.folder), Loopback(card.folder)):
            with loopback:
                pass

        assert f'"{tmp_path}/the \\"card\\"/loopback.tape"' in (card.folder / "asound.conf").read_text()
        assert LOOPBACK in (card.folder / "asound.conf").read_text()
        with pytest.raises(VirtualCardUnavailable, match="not open"):
            Loopback(card.folder).play(np.ones(1, np.int16))
