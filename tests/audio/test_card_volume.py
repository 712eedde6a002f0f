"""The volume on the card's own control: libasound on a mixer without hardware, and the box's own speaker."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.audio import card_volume
from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.card_volume import (
    AUTO,
    SOFTWARE,
    CardVolume,
    CardVolumes,
    FullLevel,
    look_for_control,
)
from edgevoice.audio.far_end_mixer import factor
from edgevoice.audio.mixer import Mixer, MixerPlace, Scale
from edgevoice.audio.speaker import PERIOD, Speaker
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.doctor.streams import PlayedAudio
from edgevoice.testbed.virtual import VirtualCard
from tests.waiting import until

DEVICE = "edgevoice_dac"
LOUD = 16_000


@pytest.fixture
def mixed(_plugin_cache: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualCard]:
    monkeypatch.setattr(card_volume, "_LOOK_S", 0.002)
    with VirtualCard(mixer="PCM") as card:
        card.install()
        yield card


class Room:
    """A speaker on a card with a mixer; what the card is given, and what leaves it after its control."""

    def __init__(
        self, card: VirtualCard, percent: int, *, earcons: int = 0, file: Path | None = None, wanted: str = "PCM"
    ) -> None:
        self.card = card
        self.reference = PlayedAudio()
        self.speaker = Speaker(
            lambda _fact: None,
            prefill_ms=20,
            volume_percent=percent,
            earcon_percent=earcons,
            reference=self.reference,
        )
        self.volumes = CardVolumes(wanted, file)
        self.volume: CardVolume | None = None

    @contextmanager
    def open(self) -> Iterator[CardVolume]:
        volume = self.volumes.open(DEVICE, self.speaker)
        assert volume is not None
        try:
            yield volume
        finally:
            volume.close()

    def say(self, milliseconds: int) -> None:
        self.speaker.play("item", 0, np.full(milliseconds * FAR_END_HZ // 1000, LOUD, "<i2").tobytes())

    def hear(self, periods: int = 1) -> npt.NDArray[np.float64]:
        """Return what leaves the card, as loud as its control makes it at that moment."""
        heard = [
            np.frombuffer(self.speaker.callback(None, PERIOD, {}, 0)[0], "<i2") * 10 ** (self.card.mixer_db / 20)
            for _ in range(periods)
        ]
        return np.concatenate(heard)


def wanted(percent: int) -> float:
    return LOUD * factor(percent)


def settled(room: Room, level_db: float) -> Callable[[], bool]:
    return lambda: room.card.mixer_db == level_db and room.speaker._gain.card == pytest.approx(10 ** (level_db / 20))


def test_in_silence_the_control_follows_and_the_answer_is_as_loud_as_ever(mixed: VirtualCard) -> None:
    room = Room(mixed, 30)
    with room.open():
        # 30 % are -20.9 dB, and the control stays 6 dB above.
        until(settled(room, -14.0))
        room.say(100)
        assert room.hear(5)[-1] == pytest.approx(wanted(30), rel=0.001)


def test_the_samples_of_a_quiet_answer_keep_their_resolution(mixed: VirtualCard) -> None:
    room = Room(mixed, 10)
    with room.open():
        until(settled(room, -30.0))
        room.say(100)
        given = np.frombuffer(room.speaker.callback(None, PERIOD, {}, 0)[0], "<i2")
        assert given[-1] > 30 * wanted(10)


def test_the_echo_stage_hears_of_the_level_after_the_control(mixed: VirtualCard) -> None:
    room = Room(mixed, 30)
    with room.open():
        until(settled(room, -14.0))
        room.say(100)
        heard = room.hear(5)
        assert np.concatenate(room.reference.pieces) == pytest.approx(heard, abs=1.5)


def test_while_an_answer_sounds_softer_is_left_to_the_samples_and_no_step_is_heard(mixed: VirtualCard) -> None:
    room = Room(mixed, 100)
    with room.open():
        room.say(400)
        before = room.hear(5)
        room.speaker.volume_percent = 30
        after = room.hear(5)
        assert mixed.mixer_db == 0.0
        heard = np.concatenate([before, after])
        assert np.abs(np.diff(heard)).max() < LOUD / 100
        assert heard[-1] == pytest.approx(wanted(30), rel=0.001)
        room.hear(40)
        until(settled(room, -14.0))


def test_louder_than_the_samples_can_moves_the_control_at_once_and_only_so_far(mixed: VirtualCard) -> None:
    room = Room(mixed, 10)
    with room.open():
        until(settled(room, -30.0))
        room.say(400)
        room.hear(5)
        room.speaker.volume_percent = 50
        # 50 % are -12.04 dB.
        until(settled(room, -12.0))
        assert room.hear(5)[-1] == pytest.approx(wanted(50), rel=0.001)


def test_who_turns_the_volume_down_fast_after_an_answer_hears_no_step_in_what_the_card_still_holds(
    mixed: VirtualCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_volume, "_LOOK_S", 0.2)
    room = Room(mixed, 100)
    with room.open() as volume:
        room.say(50)
        room.hear(20)
        assert room.speaker.is_silent
        for percent in (60, 50, 40, 30):
            room.speaker.volume_percent = percent
            until(lambda: not volume._is_wanted)
        assert mixed.mixer_db == 0.0
        until(settled(room, -14.0))


def test_a_ring_is_as_loud_as_ever_on_a_box_that_was_turned_down(mixed: VirtualCard) -> None:
    room = Room(mixed, 10)
    room.speaker.learn_clip("pasta", np.full(FAR_END_HZ * 4, LOUD, np.int16))
    with room.open():
        until(settled(room, -30.0))
        room.speaker.play_ring("pasta", 0.0)
        until(settled(room, 0.0))
        assert room.hear(300)[-1] == pytest.approx(LOUD, rel=0.001)
        room.speaker.cut_clip()
        room.hear(5)
        until(settled(room, -30.0))


def test_nothing_is_ever_louder_than_where_the_owner_left_the_control(mixed: VirtualCard) -> None:
    mixed.mixer_db = -15
    room = Room(mixed, 100)
    with room.open():
        room.say(400)
        assert room.hear(5)[-1] == pytest.approx(LOUD * 10 ** (-15 / 20), rel=0.001)
        room.hear(40)
        room.speaker.volume_percent = 30
        until(lambda: mixed.mixer_db == -29.0)


def test_whoever_turns_the_control_by_hand_turns_what_100_percent_is(mixed: VirtualCard) -> None:
    room = Room(mixed, 30)
    with room.open() as volume:
        until(settled(room, -14.0))
        mixed.mixer_db = -20
        volume.wake()
        until(lambda: volume.card_db == -14.0)
        room.speaker.volume_percent = 100
        until(lambda: mixed.mixer_db == -6.0)


def test_the_control_is_left_as_it_was_found(mixed: VirtualCard) -> None:
    mixed.mixer_db = -3
    room = Room(mixed, 30)
    with room.open():
        until(lambda: mixed.mixer_db == -17.0)
    assert mixed.mixer_db == -17.0, "streams are opened again and again while a microphone is missing"
    room.volumes.restore()
    assert mixed.mixer_db == -3.0


def test_after_a_crash_the_owners_level_is_known(mixed: VirtualCard, tmp_path: Path) -> None:
    mixed.mixer_db = -3
    with Room(mixed, 30, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == -17.0)

    with Room(mixed, 100, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == -3.0)


def test_a_file_with_a_changed_byte_names_no_control_that_was_left(tmp_path: Path) -> None:
    (tmp_path / "mixer.json").write_bytes(b'{"card": "\xff", "control": "PCM", "full_db": -3}')

    assert FullLevel(tmp_path / "mixer.json").left is None


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"card": DEVICE, "control": "PCM", "full_db": "x"})])
def test_without_a_file_that_can_be_read_the_control_is_the_owners(
    mixed: VirtualCard, tmp_path: Path, text: str
) -> None:
    (tmp_path / "mixer.json").write_text(text)
    mixed.mixer_db = -17
    with Room(mixed, 100, file=tmp_path / "mixer.json").open() as volume:
        assert volume.card_db == 0.0


def test_where_the_owner_turned_it_since_that_counts(mixed: VirtualCard, tmp_path: Path) -> None:
    with Room(mixed, 30, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == -14.0)
    mixed.mixer_db = -25

    with Room(mixed, 100, file=tmp_path / "mixer.json").open() as volume:
        assert volume.card_db == 0.0


def test_a_disk_that_cannot_be_written_is_reported_and_the_volume_works(
    mixed: VirtualCard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    room = Room(mixed, 30, file=tmp_path / "file" / "mixer.json")
    with room.open():
        until(settled(room, -14.0))

    assert "mixer-file-not-written" in [record.msg.split()[0] for record in caplog.records]


def test_an_unplugged_card_leaves_the_volume_to_the_samples(
    mixed: VirtualCard, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(mixed, 30)
    with room.open() as volume:
        until(settled(room, -14.0))
        mixed.unplug()
        volume.wake()
        until(lambda: room.speaker._gain.card == 1.0)
        room.speaker.volume_percent = 50
    room.volumes.restore()

    assert "mixer-lost" in [record.msg.split()[0] for record in caplog.records]
    assert room.volumes.open(DEVICE, room.speaker) is None


def test_a_missing_control_is_said_once(mixed: VirtualCard, caplog: pytest.LogCaptureFixture) -> None:
    assert mixed.mixer_db == 0
    volumes = CardVolumes("Master")
    speaker = Room(mixed, 30).speaker
    with caplog.at_level(logging.INFO):
        assert volumes.open(DEVICE, speaker) is None
        assert volumes.open(DEVICE, speaker) is None

    (record,) = [record for record in caplog.records if record.msg.startswith("volume-control")]
    assert record.levelno == logging.WARNING
    assert 'no control "Master"' in str(vars(record)["fields"])


def test_in_software_nothing_is_opened(mixed: VirtualCard) -> None:
    mixed.mixer_db = -20
    room = Room(mixed, 10)
    assert CardVolumes(SOFTWARE).open(DEVICE, room.speaker) is None
    assert look_for_control(DEVICE, SOFTWARE).why == "speaker.mixer says so"
    assert CardVolumes(AUTO).open(DEVICE, room.speaker) is None, "it is no card of its own"
    CardVolumes(AUTO).restore()

    assert mixed.mixer_db == -20.0


def found_on(card: VirtualCard, lowest_db: float) -> Callable[[Mixer], list[Scale]]:
    """Return what lists one control, whose range ends above the virtual card's own."""
    return lambda _mixer: [Scale("PCM", lowest_db, 0.0, card.mixer_db)]


@pytest.mark.parametrize("after", ["reopened", "reopened-without-a-file", "crashed"])
def test_a_control_that_the_box_left_low_is_still_the_volume(
    mixed: VirtualCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    real = Mixer
    monkeypatch.setattr(card_volume, "mixer_place", lambda _device: MixerPlace("hw:7", is_alone=True))
    monkeypatch.setattr(real, "scales", found_on(mixed, -40.0))
    monkeypatch.setattr(card_volume, "Mixer", lambda _ctl: real(DEVICE))
    file = None if after == "reopened-without-a-file" else tmp_path / "mixer.json"
    room = Room(mixed, 10, wanted=AUTO, file=file)
    with room.open():
        until(settled(room, -30.0))
    if after == "crashed":
        room = Room(mixed, 10, wanted=AUTO, file=file)
    with room.open():
        assert mixed.mixer_db == -30.0

    with room.open():
        room.speaker.volume_percent = 100
        until(settled(room, 0.0))


def test_killed_while_it_gives_the_control_back_the_box_knows_the_owners_level(
    mixed: VirtualCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(mixed, 30, file=tmp_path / "mixer.json")
    with room.open():
        until(settled(room, -14.0))
    with monkeypatch.context() as killed:
        killed.setattr(Mixer, "move", refuse)
        room.volumes.restore()
    assert mixed.mixer_db == -14.0

    with Room(mixed, 100, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == 0.0)


def test_killed_while_the_control_moves_to_one_of_its_steps_the_box_knows_the_owners_level(
    mixed: VirtualCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, moves, kept = tmp_path / "mixer.json", Mixer.move, [b""]

    def move(mixer: Mixer, name: str, level_db: float) -> float:
        reached = moves(mixer, name, level_db)
        kept.append(file.read_bytes())
        return reached

    monkeypatch.setattr(Mixer, "move", move)
    room = Room(mixed, 30, file=file)
    with room.open():
        until(settled(room, -14.0))  # -14.9 dB were wanted
    file.write_bytes(kept[-1])

    with Room(mixed, 100, file=file).open():
        until(lambda: mixed.mixer_db == 0.0)


def test_levels_of_the_machine_that_were_stored_while_the_box_was_soft_do_not_make_it_soft_for_good(
    mixed: VirtualCard, tmp_path: Path
) -> None:
    room = Room(mixed, 30, file=tmp_path / "mixer.json")
    with room.open():
        until(settled(room, -14.0))
    room.volumes.restore()
    assert mixed.mixer_db == 0.0
    mixed.mixer_db = -14  # as alsactl stored it

    with Room(mixed, 100, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == 0.0)


@pytest.mark.parametrize("now", [SOFTWARE, "Master", AUTO])
def test_a_control_that_was_left_low_is_given_back_when_another_is_wanted(
    mixed: VirtualCard, tmp_path: Path, now: str
) -> None:
    mixed.mixer_db = -3
    with Room(mixed, 30, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == -17.0)

    speaker = Room(mixed, 30).speaker
    assert CardVolumes(now, tmp_path / "mixer.json").open(DEVICE, speaker) is None

    assert mixed.mixer_db == -3.0


def test_a_control_that_somebody_has_turned_since_is_not_given_back(mixed: VirtualCard, tmp_path: Path) -> None:
    with Room(mixed, 30, file=tmp_path / "mixer.json").open():
        until(lambda: mixed.mixer_db == -14.0)
    mixed.mixer_db = -25

    assert CardVolumes(SOFTWARE, tmp_path / "mixer.json").open(DEVICE, Room(mixed, 30).speaker) is None

    assert mixed.mixer_db == -25.0


def test_a_control_that_refuses_once_is_not_left_low(mixed: VirtualCard, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(mixed, 30)
    with room.open():
        until(settled(room, -14.0))
        asked: list[str] = []
        asks = Mixer.level_db

        def once_busy(mixer: Mixer, name: str) -> float:
            asked.append(name)
            return refuse() if len(asked) == 1 else asks(mixer, name)

        monkeypatch.setattr(Mixer, "level_db", once_busy)
        room.speaker.volume_percent = 40
        until(settled(room, 0.0))


def refuse(*_arguments: object) -> float:
    raise AlsaError(5, "the card does not answer")
