"""The announcement that a box makes only once."""

from pathlib import Path

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import AudioReceived, PhaseEntered
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced

SOUND = AudioReceived("r1", "a1", b"\0\0")


def test_the_announcement_is_recorded_with_the_first_audio_and_survives_a_restart(tmp_path: Path) -> None:
    marker = tmp_path / "state" / "edgevoice" / "said"
    said = Announced(marker)

    said.observe(PhaseEntered(Phase.SPEAKING), 0.0)
    assert not said.is_done
    said.observe(SOUND, 1.0)

    assert said.is_done
    assert Announced(marker).is_done
    assert marker.stat().st_mode & 0o777 == 0o600
    assert marker.parent.stat().st_mode & 0o777 == 0o700


def test_the_announcement_is_recorded_once(tmp_path: Path) -> None:
    said = Announced(tmp_path / "said")
    said.observe(SOUND, 1.0)
    (tmp_path / "said").unlink()
    said.observe(SOUND, 2.0)

    assert not said.is_done


def test_an_unwritable_folder_does_not_affect_the_answer(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    said = Announced(tmp_path / "state" / "said")

    said.observe(SOUND, 1.0)

    assert not said.is_done


def test_the_announcement_says_what_the_box_can_do_without_an_account() -> None:
    for word in ("account", "time", "volume", "timers", "story"):
        assert word in ANNOUNCEMENT
