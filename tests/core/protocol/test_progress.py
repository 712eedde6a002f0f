"""What counts as progress of an answer, and how often it is reported."""

import json
from collections.abc import Mapping

import pytest

from edgevoice.core.facts import AnswerProgressed
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.progress import Progress

ARGUMENTS = {"type": "response.function_call_arguments.delta", "response_id": "r1", "call_id": "c1", "delta": "{"}
WORDS = {"type": "response.output_audio_transcript.delta", "response_id": "r1", "item_id": "a1", "delta": "Well,"}


def told(*events: Mapping[str, object], progress: Progress | None = None, now: float = 100.0) -> list[AnswerProgressed]:
    progress = progress or Progress()
    return [fact for event in events for fact in progress.take(wire.decode(json.dumps(event)), now)]


@pytest.mark.parametrize("name", ["response.output_audio_transcript.delta", "response.audio_transcript.delta"])
def test_words_ahead_of_the_sound_are_progress_of_their_answer(name: str) -> None:
    assert told({**WORDS, "type": name}) == [AnswerProgressed("r1")]


@pytest.mark.parametrize(
    "name", ["response.function_call_arguments.delta", "response.output_text.delta", "response.text.delta"]
)
def test_an_unused_delta_is_progress_of_the_open_answer(name: str) -> None:
    assert told({**ARGUMENTS, "type": name}) == [AnswerProgressed()]


def test_audio_without_a_sample_is_progress_and_sound_needs_no_report() -> None:
    audio = {"type": "response.output_audio.delta", "response_id": "r1", "item_id": "a1"}

    assert told({**audio, "delta": ""}) == [AnswerProgressed("r1")]
    assert told({**audio, "delta": "AAAA"}) == []


@pytest.mark.parametrize(
    "name",
    [
        "response.created",
        "response.backchannel.audio.delta",
        "response.backchannel.text.delta",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.unheard_of.delta",
        "response.content_part.added",
        "input_audio_buffer.speech_started",
    ],
)
def test_only_deltas_of_an_answer_are_progress(name: str) -> None:
    assert told({"type": name}) == []


def test_progress_is_reported_once_a_second_for_all_answers_together() -> None:
    progress = Progress()

    assert told(ARGUMENTS, WORDS, ARGUMENTS, progress=progress, now=7.0) == [AnswerProgressed()]
    assert told(WORDS, ARGUMENTS, progress=progress, now=7.9) == []
    assert told(WORDS, ARGUMENTS, progress=progress, now=8.0) == [AnswerProgressed("r1")]


def test_the_first_progress_is_reported_even_at_time_zero() -> None:
    assert told(WORDS, now=0.0) == [AnswerProgressed("r1")]
