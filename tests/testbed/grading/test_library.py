"""A scenario is held through the library with the local service on the other side, in virtual time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgevoice.errors import LinkError, ServiceRefused
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.scenario_file import parse
from edgevoice.local.behaviour import Behaviour, OpenConnection
from edgevoice.local.server import LocalService
from edgevoice.realtime.endpoint import remote
from edgevoice.settings.service import ServiceSettings
from edgevoice.testbed.grading import library
from edgevoice.testbed.grading.speech import rehearse
from edgevoice.testbed.grading.tools import functions
from tests import virtual_time
from tests.local.talking import Hears, Tone

DATA = Path(__file__).parents[2] / "data"
VOICE = "pos_hey_jarvis__flite_slt_1.1.wav"
"""Somebody speaks; what is heard in it is up to each test."""


def says(text: str, **more: Any) -> dict[str, Any]:
    return {"say": text, "wav": VOICE, **more}


def hold(
    *steps: dict[str, Any], hears: str = "What time is it", behaviour: Behaviour | None = None
) -> HeldConversation:
    """Hold one conversation; the service hears these words in whatever is said."""
    document = {"scenario": [{"name": "a", "steps": list(steps), "scorers": [{"scorer": "cost"}]}]}
    suite = parse(document, "mine.toml", DATA)
    said = asyncio.run(rehearse(suite))
    (scenario,) = suite.scenarios

    async def scene() -> HeldConversation:
        async with LocalService(voice=Tone(), recogniser=Hears(hears), behaviour=behaviour) as service:
            settings = ServiceSettings(url=service.url, dialect="inworld")
            dial = lambda: remote(settings, "key")  # noqa: E731 - one endpoint for each dial
            return await library.hold(scenario, said, settings, dial, functions(scenario, ()))

    return virtual_time.run(scene())


def test_a_spoken_question_is_timed_from_its_last_word_to_the_first_sound_of_the_answer() -> None:
    held = hold(says("What time is it?"))

    (only,) = held.exchanges
    assert held.problem == ""
    assert (only.said, only.heard) == ("What time is it?", "What time is it")
    assert [call.tool for call in only.calls] == ["get_current_time"]
    assert only.answer.startswith("It is ")
    assert only.wait_s is not None
    assert 0.3 < only.wait_s < 2.0
    assert held.tokens["total_tokens"] > 0


def test_a_barge_in_cuts_the_answer_and_what_was_heard_of_it_is_exact() -> None:
    # The service hears the same words again, so the second story is not listened to for long.
    steps = (says("Tell me a story."), says("Stop.", over_answer_s=1.5), {"interrupt_after_s": 0.2})

    story, more = hold(*steps, hears="Tell me a story").exchanges

    (cut,) = story.cuts
    assert cut.sounded_ms is not None
    assert abs(cut.reported_ms - cut.sounded_ms) <= 1
    assert 1500 <= cut.reported_ms < 2500
    assert cut.cut_ms < 30
    assert more.answer
    assert len(more.cuts) == 1


def test_the_button_cuts_the_answer_without_a_word() -> None:
    held = hold(says("Tell me a story."), {"interrupt_after_s": 1}, hears="Tell me a story")

    (story,) = held.exchanges
    (cut,) = story.cuts
    assert cut.reported_ms == pytest.approx(1000, abs=60)
    assert cut.sounded_ms == pytest.approx(cut.reported_ms, abs=1)


def test_a_question_may_be_written_and_a_pause_made() -> None:
    held = hold({"ask": "What time is it?"}, {"pause_s": 2}, {"ask": "Thank you."})

    assert [exchange.answer[:5] for exchange in held.exchanges] == ["It is", "You a"]
    assert [exchange.is_spoken for exchange in held.exchanges] == [False, False]
    assert held.exchanges[0].wait_s is not None


def test_an_answer_that_is_over_cannot_be_interrupted() -> None:
    held = hold(says("Thank you."), {"interrupt_after_s": 60}, hears="Thank you")

    assert held.problem == "the answer was over before it could be interrupted after 60 s"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mute(Behaviour):
    """Sends no answers."""

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        if not str(event["type"]).startswith("response."):
            await line.put(event)


def test_an_answer_that_does_not_come_is_not_waited_for_without_end() -> None:
    (only,) = hold(says("What time is it?"), behaviour=_Mute()).exchanges

    assert (only.heard, only.answer, only.sounded_s) == ("What time is it", "", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaves(Behaviour):
    """Ends the session for good with its first answer."""

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        await line.put(event)
        if event["type"] == "response.created":
            await line.close(1008, "insufficient_quota")


def test_a_session_that_is_lost_is_the_conversations_problem() -> None:
    held = hold({"ask": "What time is it?"}, behaviour=_Leaves())

    assert "credit" in held.problem


def test_a_service_that_refuses_the_session_is_not_scored() -> None:
    with pytest.raises(LinkError) as refused:
        hold({"ask": "What time is it?"}, behaviour=Behaviour(refuse=404))

    assert isinstance(refused.value, ServiceRefused)
