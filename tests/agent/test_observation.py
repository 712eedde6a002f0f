"""What a program sees of each thing that happens, in the order in which it happens."""

import pytest

from edgevoice.agent import events
from edgevoice.agent.events import AgentEvent
from edgevoice.agent.observation import Observation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ApprovalSettled,
    DeadlinePassed,
    Event,
    ItemHeard,
    LinkLost,
    LinkOpened,
    PlaybackCut,
    PlaybackDrained,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkHeld,
    TalkPressed,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, Role, TranscriptChanged, UsageTold
from edgevoice.core.orders import CreateResponse, CutPlayback, RunTool

CALL = ToolCall("c1", "get_time", "{}")
SOUND = bytes(960)
HEARD = ItemHeard("i1", 0, heard_ms=20, received_ms=40, is_complete=False)
ASKED = (TurnEnded(), PhaseEntered(Phase.THINKING))
LOST = LinkLost("session-ended", is_retriable=True)


def begun(response_id: str) -> tuple[Notice, ...]:
    return ResponseStarted(response_id), audio(response_id), PhaseEntered(Phase.SPEAKING)


def audio(response_id: str) -> AudioReceived:
    return AudioReceived(response_id, response_id.replace("r", "i"), SOUND)


def ended(response_id: str, status: ResponseStatus = ResponseStatus.COMPLETED) -> ResponseEnded:
    return ResponseEnded(response_id, status, has_audio=True)


def entered(fact: Event, phase: Phase) -> tuple[Notice, ...]:
    return fact, PhaseEntered(phase)


def seen(*notices: Notice, is_exact: bool = True) -> list[AgentEvent]:
    """Return what a program sees, without the pieces of sound."""
    observation = Observation(is_exact=is_exact)
    everything = [event for notice in notices for event in observation.take(notice)]
    return [event for event in everything if not isinstance(event, events.Speaking)]


def done(response_id: str, status: ResponseStatus = ResponseStatus.COMPLETED, *, cut: bool = False) -> events.TurnDone:
    return events.TurnDone(response_id, status, was_interrupted=cut)


def test_an_answer_that_is_heard_to_its_end_is_over_once() -> None:
    heard = entered(PlaybackDrained(1), Phase.LISTENING)

    assert seen(*ASKED, *begun("r1"), ended("r1"), *heard) == [events.SpeakingDone("r1"), done("r1")]


def test_words_of_an_item_named_like_one_of_an_earlier_session_begin_anew() -> None:
    said = TranscriptChanged(Role.USER, "item_1", "what time is it", is_final=True)

    *_, again = seen(said, LinkOpened(), said)

    assert isinstance(again, events.Writing)
    assert again.added == "what time is it"


def test_each_response_of_a_turn_is_played_to_its_end() -> None:
    looked = (*begun("r1"), RunTool(CALL), ended("r1"), *entered(PlaybackDrained(1), Phase.THINKING))
    found = (ToolFinished("c1", "1"), CreateResponse(may_call_tools=True), *begun("r2"), ended("r2"))

    assert seen(*ASKED, *looked, *found, *entered(PlaybackDrained(2), Phase.LISTENING)) == [
        events.ToolCallStart("c1", "get_time", "{}"),
        events.SpeakingDone("r1"),
        events.ToolCallResult("c1", "get_time", "1"),
        events.SpeakingDone("r2"),
        done("r2"),
    ]


def test_a_pause_of_the_network_does_not_end_a_response() -> None:
    paused = entered(PlaybackDrained(1), Phase.THINKING)

    assert seen(*ASKED, *begun("r1"), *paused, PhaseEntered(Phase.SPEAKING), audio("r1")) == []


@pytest.mark.parametrize("by", [TalkPressed(1), UserStartedSpeaking()], ids=["by hand", "by speech"])
@pytest.mark.parametrize("way", [(), (ResponseStarted("r1"),)], ids=["before it begins", "before it sounds"])
def test_an_answer_that_is_interrupted_unheard_is_cancelled(by: Event, way: tuple[Event, ...]) -> None:
    response_id = "r1" if way else ""

    assert seen(*ASKED, *way, *entered(by, Phase.LISTENING))[-1] == done(
        response_id, ResponseStatus.CANCELLED, cut=True
    )


def test_the_turn_is_over_once_it_is_known_how_much_was_heard_of_it() -> None:
    cut = (TalkPressed(1), CutPlayback(), PhaseEntered(Phase.LISTENING))

    assert seen(*ASKED, *begun("r1"), *cut) == []
    assert seen(*ASKED, *begun("r1"), *cut, PlaybackCut((HEARD,)), is_exact=False) == [
        events.Interrupted("r1", 20, is_exact=False),
        done("r1", ResponseStatus.CANCELLED, cut=True),
    ]


def test_an_interruption_names_the_response_that_was_sounding() -> None:
    two = (*begun("r1"), ended("r1"), ResponseStarted("r2"), audio("r2"))
    cut = (TalkPressed(1), CutPlayback(), PhaseEntered(Phase.LISTENING))
    unheard = ItemHeard("i2", 0, heard_ms=0, received_ms=20, is_complete=False)
    heard = ItemHeard("i2", 0, heard_ms=5, received_ms=20, is_complete=False)

    assert seen(*ASKED, *two, *cut, PlaybackCut((HEARD, unheard)))[0] == events.Interrupted("r1", 20, is_exact=True)
    assert seen(*ASKED, *two, *cut, PlaybackCut((heard,)))[:2] == [
        events.SpeakingDone("r1"),
        events.Interrupted("r2", 5, is_exact=True),
    ]
    assert seen(*ASKED, *two, *cut, PlaybackCut(()))[1] == events.Interrupted("r2", 0, is_exact=True)


def test_a_late_report_of_a_cut_is_no_interruption() -> None:
    assert seen(PlaybackCut((HEARD,))) == []


def test_an_answer_that_was_resumed_is_over_a_second_time() -> None:
    cut = (UserStartedSpeaking(), CutPlayback(keeps_rest=True), PhaseEntered(Phase.LISTENING), PlaybackCut((HEARD,)))
    resumed = (*entered(DeadlinePassed(), Phase.SPEAKING), *entered(PlaybackDrained(2), Phase.LISTENING))

    assert seen(*ASKED, *begun("r1"), *cut, *resumed)[-2:] == [events.SpeakingDone("r1"), done("r1")]


def test_an_answer_whose_end_is_missing_counts_as_complete() -> None:
    heard = entered(DeadlinePassed(), Phase.LISTENING)

    assert seen(*ASKED, *begun("r1"), *heard) == [events.SpeakingDone("r1"), done("r1")]


def test_an_answer_that_failed_is_over_as_such() -> None:
    failed = ended("r1", ResponseStatus.FAILED)

    assert seen(*ASKED, ResponseStarted("r1"), failed, PhaseEntered(Phase.LISTENING)) == [
        done("r1", ResponseStatus.FAILED)
    ]


@pytest.mark.parametrize(
    "way",
    [
        begun("r1"),
        (*begun("r1"), ended("r1"), CreateResponse(may_call_tools=True)),
        (ResponseStarted("r1"), RunTool(CALL), ended("r1")),
    ],
    ids=["in mid-answer", "before the rest", "with a tool"],
)
def test_an_answer_lost_with_its_session_has_failed(way: tuple[Notice, ...]) -> None:
    assert seen(*ASKED, *way, *entered(LOST, Phase.CONNECTING))[-1] == done("r1", ResponseStatus.FAILED)


def test_an_answer_that_had_arrived_whole_survives_its_session() -> None:
    lost = (*begun("r1"), ended("r1"), LOST, *entered(PlaybackDrained(1), Phase.CONNECTING))

    assert seen(*ASKED, *lost) == [events.SpeakingDone("r1"), done("r1")]


def test_a_turn_of_which_nothing_was_heard_goes_on_in_the_next_session() -> None:
    assert seen(*ASKED, ResponseStarted("r1"), *entered(LOST, Phase.CONNECTING)) == []


def test_a_turn_ends_with_a_conversation_that_fails() -> None:
    assert seen(*ASKED, *entered(DeadlinePassed(), Phase.IDLE)) == [done("", ResponseStatus.FAILED)]


def test_the_conversation_is_over_after_everything_else() -> None:
    observation, closed = Observation(is_exact=True), events.Closed("")
    for notice in (*ASKED, *begun("r1"), TalkHeld(), CutPlayback(), PhaseEntered(Phase.IDLE)):
        observation.take(notice)

    assert observation.last(closed) == []
    over = done("r1", ResponseStatus.CANCELLED, cut=True)
    assert observation.take(PlaybackCut((HEARD,))) == [events.Interrupted("r1", 20, is_exact=True), over, closed]
    assert Observation(is_exact=True).last(closed) == [closed]


def test_a_cut_that_nobody_reports_keeps_nothing_back_for_ever() -> None:
    observation, closed = Observation(is_exact=True), events.Closed("")
    for notice in (*ASKED, *begun("r1"), TalkHeld(), CutPlayback(), PhaseEntered(Phase.IDLE)):
        observation.take(notice)
    observation.last(closed)

    assert observation.rest() == [done("r1", ResponseStatus.CANCELLED, cut=True), closed]
    assert observation.rest() == []


def test_an_answer_may_begin_before_the_turn_has_ended() -> None:
    early = (ResponseStarted("r1"), PhaseEntered(Phase.THINKING), audio("r1"), PhaseEntered(Phase.SPEAKING))

    assert seen(*early, ended("r1"), *entered(PlaybackDrained(1), Phase.LISTENING))[-1] == done("r1")


def test_a_tool_that_waits_for_approval_has_its_result_once_the_user_has_replied() -> None:
    asking = ToolFinished("c1", "{}", asking="Shall I?")
    settled = ApprovalSettled("c1", "get_time", "1", "", is_spoken=True)

    assert seen(RunTool(CALL), asking) == [events.ToolCallStart("c1", "get_time", "{}")]
    assert seen(RunTool(CALL), asking, settled)[-1] == events.ToolCallResult("c1", "get_time", "1")


def test_samples_split_over_two_pieces_are_joined() -> None:
    observation = Observation(is_exact=True)
    pieces = [AudioReceived("r1", "i1", b"\1"), AudioReceived("r1", "i1", b"\2\3"), AudioReceived("r2", "i2", b"\4\5")]

    assert [event for piece in pieces for event in observation.take(piece)] == [
        events.Speaking(b"\1\2", "r1"),
        events.Speaking(b"\4\5", "r2"),
    ]


def test_words_that_are_revised_are_not_said_to_be_added() -> None:
    said = [TranscriptChanged(Role.USER, "u1", text, is_final=False) for text in ("I", "I scream", "Ice cream")]
    answer = TranscriptChanged(Role.ASSISTANT, "i1", "Vanilla?", is_final=True)

    assert seen(*said, ResponseStarted("r1"), answer) == [
        events.Writing("I", Role.USER, "", "u1", "I", is_final=False),
        events.Writing("I scream", Role.USER, "", "u1", " scream", is_final=False),
        events.Writing("Ice cream", Role.USER, "", "u1", None, is_final=False),
        events.Writing("Vanilla?", Role.ASSISTANT, "r1", "i1", "Vanilla?", is_final=True),
    ]


def test_what_the_service_reports_reaches_the_program() -> None:
    assert seen(UserStartedSpeaking(), UserStoppedSpeaking(), UsageTold({"total_tokens": 3})) == [
        events.SpeechStarted(),
        events.SpeechStopped(),
        events.Usage({"total_tokens": 3}),
    ]
    for code, fault, expected, text in (("odd", "service-busy", "service-busy", "odd"), ("", "", "", "unnamed")):
        line = f"the service reports an error: {text}"
        assert seen(ServiceComplained(code, fault)) == [events.Error(expected, line, is_fatal=False)]
