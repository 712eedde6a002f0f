"""What an interruption can make the service send; the conversation goes on after all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    LinkLost,
    LinkOpened,
    PlaybackCut,
    PlaybackStarted,
    ResponseEnded,
    ResponseStatus,
    ServiceComplained,
    TalkPressed,
)
from edgevoice.core.notices import PhaseEntered, UplinkSent
from edgevoice.core.orders import CloseLink, OpenLink, PlayEarcon
from edgevoice.local.mind.brain import Reply
from edgevoice.local.mind.calls import RequestedCall
from tests import virtual_time
from tests.e2e.awkward_services import (
    ACTIVE,
    BusyWithAnother,
    BusyWithTheInterrupted,
    CancelsNothing,
    Complains,
    Deaf,
    EndsLate,
    EndsWhileCancelled,
    MisreadsCorrections,
    SoundsLate,
    TellsWhy,
    response_of,
)
from tests.e2e.interruptions import BY_HAND, BY_SERVICE, EACH_WAY, Interruption, nothing, press, the_service_complained
from tests.e2e.quick_box import QuickBox, Samples, Scripted, noise_of, quick_box, spoken_question
from tests.waiting import eventually

pytestmark = pytest.mark.long

pytest.importorskip("webrtcvad")
pytest.importorskip("hibari")

STORY = [f"This is sentence {number} of a story that goes on." for number in ["one", "two", "three", "four"]]
SECOND, THIRD = "The second answer.", "The third one."
REPLIES = (Reply(" ".join(STORY)), Reply(SECOND), Reply(THIRD))
POLICY = Policy(answer_s=4, hears_itself=False)


@pytest.fixture(scope="module")
def question() -> Samples:
    return spoken_question()


@pytest.fixture(autouse=True)
def the_service_has_the_ids_of_session_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgevoice.local.socket.token_hex", lambda _bytes: "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A conversation of three questions, whose first answer was interrupted."""

    box: QuickBox
    sent: list[dict[str, Any]]
    received: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.sent if event["type"] == kind]

    @property
    def refusals(self) -> list[str]:
        """The errors that the service sent, in its words."""
        errors = [event["error"] for event in self.received if event["type"] == "error"]
        return [error["code"] + ": " + error["message"] for error in errors]


def converse(folder: Path, question: Samples, behaviour: Scripted, interruption: Interruption) -> Told:
    """Ask for a story, interrupt it, ask twice more; check that both were answered aloud and nothing else was heard."""
    behaviour.replies.extend(REPLIES if not behaviour.replies else ())

    async def run() -> Told:
        async with quick_box(folder, behaviour, POLICY) as box:
            await _interrupt(box, question, interruption)
            await _is_over(box, SECOND)
            box.card.say(question)
            await _is_over(box, SECOND, THIRD)
            told = Told(box=box, sent=[*box.wire("client")], received=[*box.wire("server")])
            _is_alive(told)
        return told

    return virtual_time.run(run())


async def _interrupt(box: QuickBox, question: Samples, interruption: Interruption) -> None:
    """Ask for the story, interrupt it, and ask again."""
    box.engine.report(TalkPressed(box.ears.position))
    await box.happens(LinkOpened)
    await interruption.before(box)
    box.card.say(question)
    await box.happens(PlaybackStarted)
    await interruption.ready(box)
    if interruption.is_over_speech:
        box.card.say(question)
    await interruption.by(box)
    await box.happens(PlaybackCut)
    assert box.phase is Phase.LISTENING
    await interruption.then(box)
    if not interruption.is_over_speech:
        assert box.phase is Phase.LISTENING
        box.card.say(question)


async def _is_over(box: QuickBox, *answers: str) -> None:
    """Wait until this many answers have been played to their end and the box listens."""
    whole = len(noise_of(*answers))
    # Not until playback has drained: on a busy machine that happens in the middle of an answer, too.
    await eventually(lambda: int(np.count_nonzero(_after_the_cut(box))) >= whole or box.phase is Phase.IDLE)
    await eventually(lambda: box.phase in {Phase.LISTENING, Phase.IDLE})
    assert box.phase is not Phase.IDLE, "the box has hung up"


def _after_the_cut(box: QuickBox) -> Samples:
    """What was played after the story was cut; the period after the order holds the fade."""
    return box.card.tape[box.cuts[0] + 240 :]


def _is_alive(told: Told) -> None:
    box = told.box
    assert not box.all_of(LinkLost) + box.all_of(CloseLink) + box.all_of(PlayEarcon)
    assert len(box.all_of(OpenLink)) == len(told.of("session.update")) == 1
    assert PhaseEntered(Phase.IDLE) not in box.all_of(PhaseEntered)
    _is_said_once(told)
    _is_heard_as_told(told)


def _is_said_once(told: Told) -> None:
    for kind, name in (
        ("conversation.item.truncate", "item_id"),
        ("conversation.item.delete", "item_id"),
        ("response.cancel", "response_id"),
    ):
        names = [event[name] for event in told.of(kind)]
        assert len(names) == len(set(names)), kind
    at = None
    for sent in told.box.all_of(UplinkSent):
        assert at in {None, sent.first_sample}, "the uplink has a gap, or says something twice"
        at = sent.first_sample + sent.samples


def _is_heard_as_told(told: Told) -> None:
    """The heard part of the story matches the report to the service; after it only the other two answers were heard."""
    (cut,) = told.box.cuts
    story, rest = told.box.card.tape[: cut + 240], _after_the_cut(told.box)
    assert np.array_equal(rest[rest != 0], noise_of(SECOND, THIRD))
    (item,) = told.box.all_of(PlaybackCut)[0].items
    assert item.heard_ms == np.count_nonzero(story) // 24
    (corrected,) = told.of("conversation.item.truncate") + told.of("conversation.item.delete")
    assert corrected["item_id"] == item.item_id
    assert corrected.get("audio_end_ms", 0) == item.heard_ms


# --- refused: the cancellation ---------------------------------------------------------------------------------------


def test_a_cancellation_that_finds_nothing_changes_nothing_though_the_answer_goes_on_arriving(
    tmp_path: Path, question: Samples
) -> None:
    told = converse(tmp_path, question, CancelsNothing(), replace(BY_HAND, then=the_service_complained))

    assert [event["response_id"] for event in told.of("response.cancel")] == ["resp_s_1"]
    assert told.refusals[0].startswith("response_cancel_not_active: ")


def test_a_cancellation_that_crosses_with_the_end_of_the_answer_is_refused_and_forgotten(
    tmp_path: Path, question: Samples
) -> None:
    behaviour = EndsWhileCancelled()

    async def the_service_is_through(_box: QuickBox) -> None:
        await eventually(lambda: bool(behaviour.held))

    crossing = replace(BY_HAND, ready=the_service_is_through, then=the_service_complained)
    told = converse(tmp_path, question, behaviour, crossing)

    assert told.box.all_of(ResponseEnded)[0].status is ResponseStatus.COMPLETED
    assert [refusal.partition(":")[0] for refusal in told.refusals] == ["response_cancel_not_active"]


# --- refused, or not answered: the correction ------------------------------------------------------------------------


@EACH_WAY
@pytest.mark.parametrize(
    ("reads", "refusal"),
    [
        pytest.param({"audio_end_ms": 10**7}, "is already shorter than 10000000ms", id="already shorter"),
        pytest.param({"item_id": "item_s_1"}, "Only model output audio messages can be truncated", id="the user"),
        pytest.param({"item_id": "item_gone"}, "item_not_found: No such item: item_gone", id="no such item"),
    ],
)
def test_a_refused_truncation_is_not_repeated_and_does_not_end_the_session(
    tmp_path: Path, question: Samples, interruption: Interruption, reads: Mapping[str, object], refusal: str
) -> None:
    told = converse(
        tmp_path, question, MisreadsCorrections(reads=reads), replace(interruption, then=the_service_complained)
    )

    assert any(refusal in words for words in told.refusals)
    assert not [event for event in told.received if event["type"] == "conversation.item.truncated"]


async def hold_the_speaker(box: QuickBox) -> None:
    box.card.is_held = True


async def press_and_let_go_of_the_speaker(box: QuickBox) -> None:
    await press(box)
    box.card.is_held = False


def test_a_refused_deletion_is_not_repeated_and_does_not_end_the_session(tmp_path: Path, question: Samples) -> None:
    unheard = Interruption(
        by=press_and_let_go_of_the_speaker, before=hold_the_speaker, ready=nothing, then=the_service_complained
    )

    told = converse(tmp_path, question, MisreadsCorrections(reads={"item_id": "item_gone"}), unheard)

    assert told.refusals == ["item_not_found: No such item: item_gone"]
    assert told.of("conversation.item.delete")


@EACH_WAY
def test_an_unacknowledged_truncation_is_not_awaited(
    tmp_path: Path, question: Samples, interruption: Interruption
) -> None:
    told = converse(tmp_path, question, Deaf(to=frozenset({"conversation.item.truncate"})), interruption)

    assert not [event for event in told.received if event["type"] in {"conversation.item.truncated", "error"}]


def test_an_unacknowledged_cancellation_is_not_awaited(tmp_path: Path, question: Samples) -> None:
    told = converse(tmp_path, question, Deaf(to=frozenset({"response.cancel"})), BY_HAND)

    assert told.of("response.cancel")


# --- late: the end of the answer -------------------------------------------------------------------------------------


@EACH_WAY
@pytest.mark.parametrize(
    "until",
    [
        pytest.param("input_audio_buffer.committed", id="before the next answer"),
        pytest.param("response.created", id="after the next answer began"),
        pytest.param("response.output_audio.done", id="after all of the next answer's sound"),
        pytest.param("response.done", id="after the next answer's end"),
        pytest.param("never", id="never"),
    ],
)
def test_the_end_of_an_interrupted_answer_may_come_late_or_never(
    tmp_path: Path, question: Samples, interruption: Interruption, until: str
) -> None:
    told = converse(tmp_path, question, EndsLate(until=until), interruption)

    ends = [response_of(event) for event in told.received if event["type"] == "response.done"]
    expected = {"never": ["resp_s_2", "resp_s_3"], "response.done": ["resp_s_2", "resp_s_1", "resp_s_3"]}
    assert ends == expected.get(until, ["resp_s_1", "resp_s_2", "resp_s_3"])


@EACH_WAY
@pytest.mark.parametrize("status", ["completed", "failed", "incomplete"])
def test_a_late_end_is_not_taken_for_the_end_of_the_next_answer(
    tmp_path: Path, question: Samples, interruption: Interruption, status: str
) -> None:
    told = converse(tmp_path, question, EndsLate(until="response.created", told={"status": status}), interruption)

    fault = "" if status == "completed" else "answer-failed"
    ended = ResponseEnded("resp_s_1", ResponseStatus(status), has_audio=True, fault=fault)
    assert ended in told.box.all_of(ResponseEnded)


@EACH_WAY
@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"status_details": {"type": "cancelled", "reason": "turn_detected"}}, id="turn_detected"),
        pytest.param({"status_details": {"type": "cancelled", "reason": "client_cancelled"}}, id="client_cancelled"),
        pytest.param({"status_details": None, "output": None, "usage": None}, id="no reason"),
        pytest.param({"status": "interrupted"}, id="a word that is not in the protocol"),
    ],
)
def test_the_reason_why_an_interrupted_answer_ended_makes_no_difference(
    tmp_path: Path, question: Samples, interruption: Interruption, told: Mapping[str, object]
) -> None:
    conversation = converse(tmp_path, question, TellsWhy(told=told), interruption)

    first_end = next(event for event in conversation.received if event["type"] == "response.done")
    assert told.items() <= first_end["response"].items()
    # It was understood, not dropped as invalid.
    assert conversation.box.all_of(ResponseEnded)[0].response_id == "resp_s_1"


# --- late: the audio of the answer ------------------------------------------------------------------------------------


@EACH_WAY
def test_sound_of_an_interrupted_answer_is_not_heard_however_late_it_arrives(
    tmp_path: Path, question: Samples, interruption: Interruption
) -> None:
    told = converse(tmp_path, question, SoundsLate(), interruption)

    ended = [event["type"] for event in told.received].index("response.done")
    late = [
        event
        for event in told.received[ended:]
        if event["type"] == "response.output_audio.delta" and response_of(event) == "resp_s_1"
    ]
    assert len(late) > 20


# --- complaints of other kinds ---------------------------------------------------------------------------------------


WITHOUT_CODE = (
    '{"type":"error"}',
    '{"type":"error","error":null}',
    '{"type":"error","message":"top level only"}',
    '{"type":"error","error":{"message":"no code"}}',
    '{"type":"error","error":{"type":"server_error","code":null,"message":null,"param":null,"event_id":null}}',
    '{"type":"error","error":"plain text"}',
    '{"type":"error","error":{"type":"invalid_request_error","code":17,"message":["a"],"param":{},"event_id":9}}',
)
UNREADABLE = ('{"errorType":"SESSION_RESOURCES_EXHAUSTED"}',)


@EACH_WAY
@pytest.mark.parametrize(
    "frames", [pytest.param(WITHOUT_CODE, id="without a code"), pytest.param((ACTIVE,), id="another answer is active")]
)
def test_an_error_after_an_interruption_changes_nothing(
    tmp_path: Path, question: Samples, interruption: Interruption, frames: tuple[str, ...]
) -> None:
    told = converse(
        tmp_path, question, Complains(frames=UNREADABLE + frames), replace(interruption, then=the_service_complained)
    )

    assert len(told.box.all_of(ServiceComplained)) == len(frames) + len(told.refusals)
    assert not told.of("response.create")


WITH_A_TOOL = (REPLIES[0], Reply("", (RequestedCall("get_current_time", {}),)), *REPLIES[1:])


@pytest.mark.parametrize(
    ("kind", "interruption"),
    [
        pytest.param(BusyWithAnother, BY_HAND, id="by hand, another"),
        pytest.param(BusyWithAnother, BY_SERVICE, id="by the service, another"),
        pytest.param(BusyWithTheInterrupted, BY_HAND, id="by hand, the interrupted"),
        pytest.param(BusyWithTheInterrupted, BY_SERVICE, id="by the service, the interrupted"),
    ],
)
def test_an_answer_refused_because_another_is_active_is_requested_again_after_that_one(
    tmp_path: Path, question: Samples, kind: type[BusyWithAnother | BusyWithTheInterrupted], interruption: Interruption
) -> None:
    told = converse(tmp_path, question, kind(replies=[*WITH_A_TOOL]), interruption)

    assert len(told.of("response.create")) == 2
