import mmap
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.testbed.virtual import MicrophoneFull, TapeUnreadable, VirtualCard

SECOND = np.ones(16_000, dtype=np.int16)


def test_the_environment_is_applied_only_on_request_and_undone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/etc/mine.conf")

    with VirtualCard() as card:
        assert os.environ["ALSA_CONFIG_PATH"] == "/etc/mine.conf"
        card.install()
        card.install()
        assert os.environ["ALSA_CONFIG_PATH"] == card.environment["ALSA_CONFIG_PATH"]

    assert os.environ["ALSA_CONFIG_PATH"] == "/etc/mine.conf"


def test_a_variable_that_was_unset_before_is_unset_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALSA_CONFIG_PATH", raising=False)

    with VirtualCard() as card:
        card.install()

    assert "ALSA_CONFIG_PATH" not in os.environ


def test_a_private_folder_is_private_and_removed_with_the_card() -> None:
    with VirtualCard() as card:
        folder = card.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    assert not folder.exists()


def test_a_given_folder_is_kept_and_cleared_of_an_earlier_cards_files(tmp_path: Path) -> None:
    for name in ("far-end.tape", "far-end.tape.1", "near-end.tape", "unplugged", "notes.txt"):
        (tmp_path / name).write_text("from before")

    with VirtualCard(tmp_path) as card:
        assert card.folder == tmp_path
        assert card.far_end_tapes == card.near_end_tapes == []

    assert {"notes.txt", "asound.conf"} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "unplugged").exists()


def test_an_impossible_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(VirtualCardUnavailable, match="file"), VirtualCard(tmp_path / "file" / "card"):
        pass


def test_a_card_used_outside_its_with_block_is_refused() -> None:
    with pytest.raises(VirtualCardUnavailable, match="not open"):
        VirtualCard().speak(SECOND)


def test_before_any_stream_the_error_names_the_missing_tapes(card: VirtualCard) -> None:
    with pytest.raises(TapeUnreadable, match="listen"):
        _ = card.near_end
    with pytest.raises(TapeUnreadable, match="play"):
        _ = card.far_end


def test_pending_speech_waits_for_a_listener_and_is_counted_in_seconds(card: VirtualCard) -> None:
    card.speak(SECOND)
    card.speak(SECOND[:8000].tobytes())

    assert card.unheard_s == 1.5


def test_a_48_khz_card_counts_in_its_own_samples() -> None:
    with VirtualCard(card_rate_hz=48_000) as card:
        card.speak(SECOND)

        assert card.unheard_s == pytest.approx(1.0, abs=0.001)


def test_too_much_speech_is_refused_entirely(card: VirtualCard) -> None:
    half_a_minute = np.tile(SECOND, 30)
    card.speak(half_a_minute)

    with pytest.raises(MicrophoneFull, match="can hold"):
        card.speak(half_a_minute)

    assert card.unheard_s == 30


def test_small_pieces_fill_the_microphone_as_well_as_large_ones(card: VirtualCard) -> None:
    """A pipe counts pages: pieces of which no two fit a page would fill it at 62 % of its bytes."""
    while card.unheard_s < 32.1:
        card.speak(SECOND[:1300])

    with pytest.raises(MicrophoneFull):
        card.speak(SECOND)
    assert card.unheard_s > 32


def test_half_a_minute_of_speech_is_queued_page_by_page_without_a_reader(
    card: VirtualCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, sizes = os.write, []

    def noted(file: int, data: memoryview) -> int:
        sizes.append(len(data))
        return write(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", noted)
        card.speak(np.tile(SECOND, 30))

    assert sum(sizes) == 30 * SECOND.nbytes
    assert len(sizes) <= sum(sizes) / mmap.PAGESIZE + 1


@pytest.mark.parametrize(
    "pcm", [b"odd", np.zeros(4, dtype=np.float32), np.zeros((4, 2), dtype=np.int16)], ids=["odd", "float", "stereo"]
)
def test_audio_other_than_s16_mono_is_refused(card: VirtualCard, pcm: bytes) -> None:
    with pytest.raises(ValueError, match="s16"):
        card.speak(pcm)

    assert card.unheard_s == 0


@pytest.mark.parametrize("channels", [0, 17])
def test_a_microphone_with_no_channels_or_too_many_is_refused(channels: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 16 channels, not {channels}"):
        VirtualCard(microphone_channels=channels)


def test_speech_of_the_wrong_number_of_channels_is_refused_and_mono_goes_to_the_first() -> None:
    with VirtualCard(microphone_channels=6) as card:
        card.speak(SECOND)
        assert card.unheard_s == 1.0
        card.speak(np.ones((1600, 6), np.int16))
        assert card.unheard_s == pytest.approx(1.1)
        with pytest.raises(ValueError, match="s16 mono, not int16 of 2 dimensions"):
            card.speak(np.ones((1600, 2), np.int16))
