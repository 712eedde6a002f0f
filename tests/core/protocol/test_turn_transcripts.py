"""Whether the turn that a service heard last contains words."""

import json

import pytest

from edgevoice.core.facts import TurnTranscribed
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.turn_transcripts import TurnTranscripts

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


def started() -> dict[str, str]:
    return {"type": "input_audio_buffer.speech_started"}


def committed(item: str) -> dict[str, str]:
    return {"type": "input_audio_buffer.committed", "item_id": item}


def delta(item: str, words: str | None) -> dict[str, str | None]:
    return {"type": f"{_TRANSCRIPTION}.delta", "item_id": item, "delta": words}


def completed(item: str, words: str | None) -> dict[str, str | None]:
    return {"type": f"{_TRANSCRIPTION}.completed", "item_id": item, "transcript": words}


def failed(item: str) -> dict[str, str]:
    return {"type": f"{_TRANSCRIPTION}.failed", "item_id": item}


def told(*events: object) -> list[TurnTranscribed]:
    transcripts = TurnTranscripts()
    return [fact for event in events for fact in transcripts.take(wire.decode(json.dumps(event)))]


def test_words_and_their_absence_are_reported_without_the_words() -> None:
    assert told(started(), delta("u1", "Stop"), committed("u1"), completed("u1", "Stop.")) == [
        TurnTranscribed("u1", has_words=True, is_final=False),
        TurnTranscribed("u1", has_words=True, is_final=True),
    ]
    assert told(started(), committed("u1"), completed("u1", None)) == [
        TurnTranscribed("u1", has_words=False, is_final=True)
    ]


def test_a_turn_that_cannot_be_transcribed_has_no_words() -> None:
    assert told(started(), failed("u1")) == [TurnTranscribed("u1", has_words=False, is_final=True)]


def test_a_late_transcript_of_an_earlier_turn_does_not_affect_this_one() -> None:
    late = [delta("u1", "what"), completed("u1", "What time is it?"), failed("u1")]

    assert told(started(), committed("u1"), started(), *late) == []
    assert told(started(), committed("u1"), started(), *late, completed("u2", "")) == [
        TurnTranscribed("u2", has_words=False, is_final=True)
    ]


def test_a_transcript_without_an_id_belongs_to_the_latest_turn() -> None:
    assert told(started(), committed(""), started(), completed("", "")) == [
        TurnTranscribed("", has_words=False, is_final=True)
    ]


@pytest.mark.parametrize(
    "noise",
    [
        "",
        " ",
        ".",
        "...",
        "[cough]",
        "(coughs)",
        "(coughing) [Music]",
        "*laughs*",
        "<noise>",
        "\u266a la la \u266a",
        "\u266a",
    ],
)
def test_a_description_of_a_noise_is_not_a_word(noise: str) -> None:
    assert told(started(), completed("u1", noise)) == [TurnTranscribed("u1", has_words=False, is_final=True)]


@pytest.mark.parametrize("words", ["Stop", "(coughs) Stop.", "[Music] hey", "\u3084\u3081\u3066", "5"])
def test_a_word_next_to_a_noise_description_counts(words: str) -> None:
    assert told(started(), completed("u1", words))[0].has_words


def test_a_noise_description_in_increments_is_not_a_word_either() -> None:
    pieces = [delta("u1", piece) for piece in ("[", "Mu", "sic]", " (la", "ughs)", " *sighs", "*")]

    assert not any(fact.has_words for fact in told(started(), *pieces))
    assert told(started(), *pieces, delta("u1", " stop"))[-1].has_words


@pytest.mark.parametrize("opened", ["[", "(", "*", "<"])
def test_a_bracket_that_is_never_closed_describes_no_noise(opened: str) -> None:
    words = f"{opened}stop the music"

    assert [fact.has_words for fact in told(started(), delta("u1", words), completed("u1", words))] == [False, True]


def test_a_new_turn_begins_without_words() -> None:
    assert [fact.has_words for fact in told(started(), delta("u1", "stop"), started(), delta("u2", "["))] == [
        True,
        False,
    ]


def test_an_empty_delta_and_one_before_any_turn_have_no_words() -> None:
    assert told(delta("u1", None), delta("u1", "stop")) == [
        TurnTranscribed("u1", has_words=False, is_final=False),
        TurnTranscribed("u1", has_words=True, is_final=False),
    ]


def test_sixteen_turns_are_remembered_and_400_characters_read() -> None:
    turns = [started(), committed("u0"), started()]
    others = [committed(f"u{number}") for number in range(1, 17)]

    assert told(*turns, *others[:15], completed("u0", "late")) == []
    assert told(*turns, *others, completed("u0", "late")), "it is taken for one that was never heard of"
    assert told(started(), completed("u1", "." * 399 + "a"))[0].has_words
    assert not told(started(), completed("u1", "." * 400 + "a"))[0].has_words
