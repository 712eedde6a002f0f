"""A conversation is recorded exchange by exchange, and what was heard of it is measured on the tape alone."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from edgevoice.agent import events
from edgevoice.agent.events import AgentEvent
from edgevoice.core.facts import ResponseStatus
from edgevoice.core.notices import Role
from edgevoice.testbed.grading.library import PulledTape
from edgevoice.testbed.grading.recording import ConversationRecording, Samples
from edgevoice.testbed.stage.events import StepMissed

PERIOD = 240
ANSWER = np.random.default_rng(1).integers(800, 6000, 24_000).astype("<i2")


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recording(clock: Clock) -> ConversationRecording:
    return ConversationRecording(clock)


def played(clock: Clock, *pieces: Samples) -> PulledTape:
    """A tape that begins at 100 s and holds these pieces."""
    tape = PulledTape(clock)
    sound = np.concatenate(pieces)
    for begin in range(0, len(sound), PERIOD):
        tape.add(sound[begin : begin + PERIOD].tobytes().ljust(2 * PERIOD, b"\0"))
        clock.now_s += PERIOD / 24_000
    return tape


def silence(samples: int) -> Samples:
    return np.zeros(samples, np.int16)


def faded(samples: Samples) -> Samples:
    """The samples as a cut leaves them: the last 5 ms fade out."""
    out = samples.copy()
    out[-120:] = (out[-120:] * np.linspace(1, 0, 120, endpoint=False)).astype(np.int16)
    return out


def writing(text: str, role: Role = Role.ASSISTANT, response_id: str = "r1", item_id: str = "") -> AgentEvent:
    of = response_id if role is Role.ASSISTANT else ""
    return events.Writing(text, role, of, item_id or f"item-{of}{role}", None, is_final=True)


def done(response_id: str = "r1", *, was_interrupted: bool = False) -> AgentEvent:
    return events.TurnDone(response_id, ResponseStatus.COMPLETED, was_interrupted)


def test_an_exchange_holds_what_was_heard_answered_and_called(clock: Clock, recording: ConversationRecording) -> None:
    recording.begin("What time is it?")
    recording.spoken(100.0)
    for event in (
        writing("what time", Role.USER, item_id="u1"),
        writing("what time is it", Role.USER, item_id="u1"),
        events.ToolCallStart("c1", "clock", "{}"),
        events.ToolCallResult("c1", "clock", '"12:00"'),
        events.Speaking(ANSWER.tobytes(), "r1"),
        writing("It is"),
        writing("It is noon."),
        events.Usage({"total_tokens": 7}),
        events.Usage({"total_tokens": 5}),
        done(),
    ):
        recording.take(event)
    tape = played(clock, silence(12_000), ANSWER)

    held = recording.held(tape)

    (only,) = held.exchanges
    assert (only.heard, only.answer) == ("what time is it", "It is noon.")
    assert [(call.tool, call.arguments, call.output) for call in only.calls] == [("clock", "{}", '"12:00"')]
    assert only.wait_s == pytest.approx(0.5, abs=0.001)
    assert (held.tokens, held.problem, only.cuts) == ({"total_tokens": 12}, "", ())


def interrupted(clock: Clock, recording: ConversationRecording, reported_ms: int, *sounded: Samples) -> PulledTape:
    recording.begin("Tell me a story.")
    recording.take(events.Speaking(ANSWER.tobytes(), "r1"))
    tape = played(clock, *sounded)
    recording.begin("Stop.")
    recording.take(events.Interrupted("r1", reported_ms, is_exact=True))
    recording.take(done(was_interrupted=True))
    recording.take(writing("Okay.", response_id="r2"))
    return tape


def test_what_was_reported_as_heard_is_compared_with_the_tape(clock: Clock, recording: ConversationRecording) -> None:
    tape = interrupted(clock, recording, 500, faded(ANSWER[:12_000]), silence(4800))

    story, stop = recording.held(tape).exchanges

    (cut,) = story.cuts
    assert (cut.reported_ms, cut.sounded_ms) == (500, 500.0)
    assert (story.answer, stop.answer, stop.cuts) == ("", "Okay.", ())


def test_a_wrong_report_is_not_believed(clock: Clock, recording: ConversationRecording) -> None:
    tape = interrupted(clock, recording, 800, faded(ANSWER[:12_000]), silence(4800))

    (cut,) = recording.held(tape).exchanges[0].cuts

    assert cut.sounded_ms == pytest.approx(500.0, abs=0.2)


def test_an_answer_that_is_not_on_the_tape_was_not_heard_as_far_as_is_known(
    clock: Clock, recording: ConversationRecording
) -> None:
    tape = interrupted(clock, recording, 500, silence(4800))

    assert recording.held(tape).exchanges[0].cuts[0].sounded_ms is None


def test_an_answer_that_was_resumed_and_cut_again_is_measured_to_its_end(
    clock: Clock, recording: ConversationRecording
) -> None:
    recording.begin("Tell me a story.")
    recording.take(events.Speaking(ANSWER.tobytes(), "r1"))
    first = played(clock, faded(ANSWER[:7200]))
    recording.take(events.Interrupted("r1", 300, is_exact=True))
    rest = ANSWER[7200:14_400].copy()
    rest[:120] = (rest[:120] * np.linspace(0, 1, 120, endpoint=False)).astype(np.int16)
    for begin, period in enumerate(np.split(np.concatenate([silence(4800), faded(rest), silence(2400)]), 60)):
        del begin
        first.add(period.tobytes())
        clock.now_s += PERIOD / 24_000
    recording.take(events.Interrupted("r1", 600, is_exact=True))

    cuts = recording.held(first).exchanges[0].cuts

    assert [(cut.reported_ms, cut.sounded_ms) for cut in cuts] == [(300, 300.0), (600, 600.0)]


def test_silence_is_counted_from_the_decision(clock: Clock, recording: ConversationRecording) -> None:
    recording.begin("Tell me a story.")
    recording.take(events.Speaking(ANSWER.tobytes(), "r1"))
    recording.decided(100.48)
    tape = played(clock, faded(ANSWER[:12_000]), silence(4800))
    recording.take(events.Interrupted("r1", 500, is_exact=True))

    (cut,) = recording.held(tape).exchanges[0].cuts

    assert cut.cut_ms == pytest.approx(20, abs=0.5)


def test_an_answer_that_had_ended_is_silent_at_once(clock: Clock, recording: ConversationRecording) -> None:
    recording.begin("Tell me a story.")
    recording.take(events.Speaking(ANSWER.tobytes(), "r1"))
    tape = played(clock, ANSWER[:2400], silence(4800))
    recording.take(events.Interrupted("r1", 100, is_exact=True))

    assert recording.held(tape).exchanges[0].cuts[0].cut_ms == 0


def test_what_happens_before_anybody_speaks_belongs_to_no_exchange(recording: ConversationRecording) -> None:
    recording.take(writing("Hello."))

    assert recording.held(PulledTape(lambda: 0.0)).exchanges == ()


def waiting(recording: ConversationRecording, then: Callable[[], None], limit_s: float = 5.0) -> str:
    """What a wait for the end of the answer raises, empty if it ends."""

    async def scene() -> None:
        asyncio.get_running_loop().call_soon(then)
        await recording.wait_until(lambda: recording.is_answered, "the end of the answer", limit_s)

    recording.begin("What time is it?")
    try:
        asyncio.run(scene())
    except StepMissed as missed:
        return str(missed)
    return ""


def test_a_wait_ends_with_the_answer(recording: ConversationRecording) -> None:
    assert waiting(recording, lambda: recording.take(done())) == ""
    assert not recording.is_over  # nothing was transcribed yet
    recording.take(writing("what time is it", Role.USER))
    assert recording.is_over


def test_a_wait_ends_with_the_error_that_ends_the_conversation(recording: ConversationRecording) -> None:
    error = events.Error("service-unreachable", "no network. Check it.", is_fatal=True)

    assert waiting(recording, lambda: recording.take(error)) == "no network. Check it."
    assert recording.held(PulledTape(lambda: 0.0)).problem == "no network. Check it."


def test_a_wait_ends_when_the_conversation_does(recording: ConversationRecording) -> None:
    expected = "the end of the answer did not come: the conversation is over"

    assert waiting(recording, lambda: recording.take(events.Closed(""))) == expected


def test_a_wait_has_a_limit(recording: ConversationRecording) -> None:
    harmless = events.Error("answer-failed", "again", is_fatal=False)

    expected = "the end of the answer did not come within 0.01 s"
    assert waiting(recording, lambda: recording.take(harmless), 0.01) == expected
