"""The echo stage: which consumer gets what of each block, and that no uplink sample is lost or sent twice."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.core.facts import NearSpeechBegan, NearSpeechConfirmed, NearSpeechEnded, NearSpeechFaded, RoomMeasured
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.postfilter import Postfilter, Sound
from edgevoice.echo.reference import FarEndReference
from edgevoice.echo.room_listener import RoomListener
from edgevoice.echo.speech import NearSpeech, SpeechChange
from edgevoice.echo.stage import EchoStage, NearSpeechFact
from edgevoice.echo.suppressor import RestingSuppressor
from edgevoice.echo.surroundings import Surroundings

Samples = npt.NDArray[np.int16]


class Marking:
    """A canceller that marks the blocks it has processed."""

    def __init__(self, mark: int) -> None:
        self.mark = mark

    def process(self, near: Samples, far: Samples) -> Samples:
        assert len(near) == len(far) == BLOCK
        return near + np.int16(self.mark)

    def reset(self) -> None:
        raise AssertionError("the room is not forgotten")


class Script(NearSpeech):
    """A detector with given results."""

    def __init__(self, *changes: SpeechChange | None) -> None:
        super().__init__()
        self.changes: Iterator[SpeechChange | None] = iter(changes)
        self.resets = 0
        self.doubts = 0
        self.speaks = False
        self.alone: Iterator[SpeechChange | None] = iter([])

    @property
    def is_speaking(self) -> bool:
        return self.speaks

    def take_alone(self, near: Samples) -> SpeechChange | None:
        assert len(near) == BLOCK
        return next(self.alone)

    def take(
        self, near: Samples, cancelled: Samples, far: Samples, suppressor: RestingSuppressor | None
    ) -> SpeechChange | None:
        del near, cancelled, far, suppressor
        return next(self.changes, None)

    def reset(self) -> None:
        self.resets += 1

    def doubt(self) -> None:
        self.doubts += 1


class Playing(FarEndReference):
    """A reference that is active when a test says so."""

    def __init__(self) -> None:
        super().__init__(ClockFit(16_000), ClockFit(24_000))
        self.sounds = False
        self.asked: list[int] = []
        self.settled = True
        self.moving = False
        self.moved = 0

    @property
    def jumps(self) -> int:
        return self.moved

    @property
    def is_settled(self) -> bool:
        return self.settled and not self.moving

    @property
    def is_moving(self) -> bool:
        return self.moving

    def block(self, position: int, count: int) -> Samples | None:
        self.asked.append(position)
        return np.zeros(count, np.int16) if self.sounds else None


class Removed(Postfilter):
    """A postfilter that records what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[int, set[float]]] = []

    def hear(self, echo: Sound, position: int) -> None:
        self.given.append((position, set(echo.tolist())))


class Bench:
    """A stage and all its output."""

    def __init__(
        self,
        *,
        linear: Marking | None = None,
        suppressor: Marking | None = None,
        near_speech: NearSpeech | None = None,
        room: RoomListener | None = None,
        reference: Playing | None = None,
        postfilter: Postfilter | None = None,
    ) -> None:
        self.reference = reference or Playing()
        self.told: list[NearSpeechFact] = []
        self.stage = EchoStage(
            self.reference,
            self.told.append,
            linear=linear,
            suppressor=suppressor,
            near_speech=near_speech,
            room=room,
            postfilter=postfilter,
        )
        self.position = 0
        self.heard: list[int] = []
        self.said: list[int] = []

    def hear(self, blocks: int = 1, *, sounds: bool) -> None:
        self.reference.sounds = sounds
        for _ in range(blocks):
            near = (np.arange(self.position, self.position + BLOCK) % 1000 * 10).astype("<i2")
            self.said += near.tolist()
            cancelled = self.stage.take(near.tobytes(), self.position)
            assert len(cancelled) == 2 * BLOCK
            self.heard += np.frombuffer(cancelled, "<i2").tolist()
            self.position += BLOCK


def test_what_the_speaker_plays_is_given_with_the_near_ends_position_and_silence_is_not() -> None:
    bench = Bench()
    given: list[tuple[int, int]] = []
    bench.stage.give_far_end(lambda block, position: given.append((len(block), position)))

    bench.hear(1, sounds=False)
    bench.hear(2, sounds=True)
    bench.hear(1, sounds=False)

    assert given == [(BLOCK, BLOCK), (BLOCK, 2 * BLOCK)]


def test_the_postfilter_receives_what_was_subtracted_from_each_block_in_which_something_sounds() -> None:
    removed = Removed()
    bench = Bench(linear=Marking(-3), postfilter=removed)

    bench.hear(1, sounds=False)
    bench.hear(2, sounds=True)
    bench.hear(1, sounds=False)

    assert removed.given == [(BLOCK, {3.0}), (2 * BLOCK, {3.0})]


def test_the_postfilter_receives_nothing_while_nothing_of_an_answer_is_subtracted() -> None:
    removed = Removed()
    moving = Playing()
    moving.moving = True

    Bench(postfilter=removed).hear(2, sounds=True)
    Bench(linear=Marking(-3), postfilter=removed, reference=moving).hear(2, sounds=True)
    Bench(linear=Marking(-3), postfilter=removed, reference=Music()).hear(5, sounds=True)

    assert removed.given == []


def test_each_shift_of_the_far_end_makes_the_listener_doubt_its_learning_once() -> None:
    script = Script()
    bench = Bench(linear=Marking(1), suppressor=Marking(2), near_speech=script)
    bench.hear(2, sounds=True)
    assert script.doubts == 0

    bench.reference.moved = 1
    bench.hear(3, sounds=True)

    assert script.doubts == 1


def test_after_a_jump_no_speech_is_reported_until_the_filter_has_adapted() -> None:
    bench = Bench(linear=Marking(1), suppressor=Marking(2), near_speech=Script(SpeechChange.BEGAN))
    bench.hear(1, sounds=False)
    bench.reference.moved = 1
    bench.hear(15, sounds=True)
    assert bench.told == []
    assert set(marks(bench.heard[BLOCK:])) == {1}, "the filter goes on learning"

    bench.hear(1, sounds=True)
    assert bench.told == [NearSpeechBegan(at_sample=17 * BLOCK - 4800)]


def marks(samples: list[int]) -> list[int]:
    return [sample % 10 for sample in samples]


def numbers(samples: list[int]) -> list[int]:
    return [sample // 10 for sample in samples]


def test_while_nothing_plays_audio_passes_unchanged() -> None:
    bench = Bench(linear=Marking(1), suppressor=Marking(2), near_speech=Script(SpeechChange.BEGAN))
    bench.hear(3, sounds=False)

    assert bench.heard == [number % 1000 * 10 for number in range(3 * BLOCK)]
    assert bench.told == []


def test_every_consumer_hears_through_the_filter_or_without_one_the_room() -> None:
    linear, nothing = Bench(linear=Marking(1), suppressor=Marking(2)), Bench()
    linear.hear(2, sounds=True)
    nothing.hear(2, sounds=True)

    assert set(marks(linear.heard)) == {1}
    assert set(marks(nothing.heard)) == {0}


def test_every_change_is_reported_with_an_earlier_sample_number() -> None:
    changes = (SpeechChange.BEGAN, None, SpeechChange.FADED, SpeechChange.BEGAN, SpeechChange.CONFIRMED)
    bench = Bench(near_speech=Script(*changes))
    bench.hear(32, sounds=False)
    bench.hear(5, sounds=True)

    assert bench.told == [
        NearSpeechBegan(at_sample=33 * BLOCK - 4800),
        NearSpeechFaded(),
        NearSpeechBegan(at_sample=36 * BLOCK - 4800),
        NearSpeechConfirmed(at_sample=37 * BLOCK - 9600),
    ]


def test_speech_is_followed_to_its_end_once_the_far_end_is_silent_and_confirmed_anew_over_the_next_sound() -> None:
    script = Script(SpeechChange.CONFIRMED)
    bench = Bench(near_speech=script)
    bench.hear(1, sounds=True)
    script.speaks, script.alone = True, iter([None, None, SpeechChange.ENDED])
    bench.hear(3, sounds=False)
    assert bench.told == [NearSpeechConfirmed(at_sample=BLOCK - 9600), NearSpeechEnded()]
    assert script.resets == 0

    bench.hear(2, sounds=True)
    assert script.resets == 1


def test_no_speech_is_reported_while_the_clocks_are_unknown() -> None:
    bench = Bench(near_speech=Script(SpeechChange.BEGAN))
    bench.reference.settled = False
    bench.hear(3, sounds=True)

    assert bench.told == []


def test_the_voice_does_not_stay_ducked_while_the_clocks_are_unknown() -> None:
    class Begun(Script):
        def abandon(self) -> SpeechChange | None:
            return next(fades, None)

    fades = iter([SpeechChange.FADED])
    bench = Bench(near_speech=Begun(SpeechChange.BEGAN))
    bench.hear(1, sounds=True)
    bench.reference.settled = False
    bench.hear(3, sounds=True)

    assert bench.told == [NearSpeechBegan(at_sample=BLOCK - 4800), NearSpeechFaded()]


def test_while_nobody_knows_how_much_an_xrun_has_lost_the_filter_keeps_what_it_knows_and_nobody_speaks() -> None:
    script = Script(SpeechChange.BEGAN, SpeechChange.CONFIRMED)
    bench = Bench(linear=Marking(1), suppressor=Marking(2), near_speech=script)
    bench.reference.moving = True
    bench.hear(2, sounds=True)
    assert set(marks(bench.heard)) == {0}
    assert bench.told == []

    bench.reference.moving = False
    bench.heard.clear()
    bench.hear(2, sounds=True)
    assert set(marks(bench.heard)) == {1}
    assert bench.told == [NearSpeechBegan(at_sample=3 * BLOCK - 4800), NearSpeechConfirmed(at_sample=4 * BLOCK - 9600)]


@pytest.mark.parametrize("ends_by", ["silence", "pause"])
def test_the_detector_starts_over_with_the_next_sound(ends_by: str) -> None:
    script = Script()
    bench = Bench(near_speech=script)
    bench.hear(1, sounds=True)
    if ends_by == "silence":
        bench.hear(2, sounds=False)
    else:
        bench.stage.pause()

    assert script.resets == 1


class LoudRoom(RoomListener):
    """A listener that counts its blocks and reports a loud room with each."""

    def __init__(self) -> None:
        super().__init__(Surroundings())
        self.heard: list[str] = []

    def take(self, near: bytes) -> RoomMeasured | None:
        assert len(near) == 2 * BLOCK
        self.heard.append("room")
        return RoomMeasured(is_loud=True)

    def pass_answer(self) -> RoomMeasured | None:
        self.heard.append("answer")
        return RoomMeasured(is_loud=False)

    def drop(self) -> None:
        self.heard.append("gap")


def test_the_room_is_heard_while_the_speaker_is_silent_and_what_it_says_is_reported() -> None:
    room = LoudRoom()
    bench = Bench(near_speech=Script(), room=room)

    bench.hear(1, sounds=False)
    bench.hear(2, sounds=True)
    bench.hear(1, sounds=False)

    assert room.heard == ["room", "answer", "answer", "gap", "room"]
    loud, quiet = RoomMeasured(is_loud=True), RoomMeasured(is_loud=False)
    assert bench.told == [loud, quiet, quiet, loud]


def test_a_person_who_goes_on_after_the_answer_does_not_count_as_the_room() -> None:
    room, script = LoudRoom(), Script()
    script.speaks, script.alone = True, iter([None, None])
    bench = Bench(near_speech=script, room=room)

    bench.hear(2, sounds=False)

    assert room.heard == []


def test_muted_audio_does_not_count_as_the_room() -> None:
    room = RoomListener(surroundings := Surroundings())
    bench = Bench(near_speech=Script(), room=room)

    for _ in range(20):
        bench.hear(24, sounds=False)
        bench.stage.pause()

    assert surroundings.needed_db == 0, "no half second was whole"


class Music(Playing):
    """A reference that holds only the music of another program, and comes two blocks late."""

    is_ours = False
    lookahead = 2


def test_under_music_every_listener_hears_through_the_filter_and_nobody_interrupts_an_answer_that_is_not_there() -> (
    None
):
    script = Script(SpeechChange.BEGAN, SpeechChange.CONFIRMED)
    room = LoudRoom()
    bench = Bench(reference=Music(), linear=Marking(1), suppressor=Marking(2), near_speech=script, room=room)

    bench.hear(5, sounds=True)

    assert set(marks(bench.heard[2 * BLOCK :])) == {1}
    assert room.heard == ["room"] * 5
    assert [fact for fact in bench.told if not isinstance(fact, RoomMeasured)] == []


def test_without_a_filter_the_room_passes_unchanged_under_music() -> None:
    bench = Bench(reference=Music())
    bench.hear(5, sounds=True)

    assert bench.heard[2 * BLOCK :] == bench.said[: 3 * BLOCK]


def test_speech_that_was_confirmed_over_the_answer_is_followed_to_its_end_over_the_music() -> None:
    script = Script(SpeechChange.BEGAN, SpeechChange.CONFIRMED)
    bench = Bench(reference=Music(), linear=Marking(1), near_speech=script)
    script.speaks, script.alone = True, iter([None, SpeechChange.ENDED])

    bench.hear(2, sounds=True)

    assert bench.told == [NearSpeechEnded()]


def test_a_near_end_that_waits_for_its_reference_loses_nothing_and_is_compared_with_what_sounded_then() -> None:
    bench = Bench(reference=Music())
    bench.hear(4, sounds=False)

    assert bench.heard == [0] * 2 * BLOCK + bench.said[: 2 * BLOCK]
    assert bench.reference.asked == [-2 * BLOCK, -BLOCK, 0, BLOCK]


def test_what_was_heard_before_a_mute_is_not_returned_after_it() -> None:
    bench = Bench(reference=Music())
    bench.hear(4, sounds=False)
    bench.stage.pause()
    bench.heard.clear()
    bench.said.clear()

    bench.hear(3, sounds=False)

    assert bench.heard == [0] * 2 * BLOCK + bench.said[:BLOCK]
